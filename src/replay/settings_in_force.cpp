#include "replay/settings_in_force.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "replay/setup.h"

namespace unfrag::replay {
namespace {

std::string json_text(std::string_view text) {
  std::string json = "\"";
  for (const char c : escape_text(text)) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + "\"";
}

std::string json_divisions(const alloc::RoundingRules& rounding) {
  std::string json = "{";
  for (size_t slot = 0; slot < rounding.divisions.size(); ++slot) {
    json += fmt::format("{}\"{}\":{}", slot == 0 ? "" : ",", uint64_t{1} << slot, rounding.divisions[slot]);
  }
  return json + "}";
}

/// A real number that stays one when it is read again.
std::string json_real(double value) { return value == 0 ? "0.0" : fmt::format("{}", value); }

void set(trace::Settings& settings, std::string_view name, std::string json) {
  const auto found = std::ranges::find(settings.all, name, &std::pair<std::string, std::string>::first);
  if (found == settings.all.end()) {
    settings.all.emplace_back(name, std::move(json));
  } else {
    found->second = std::move(json);
  }
}

}  // namespace

void list_settings(trace::Settings& settings, const alloc::Settings& now) {
  constexpr std::string_view kNewName = "PYTORCH_ALLOC_CONF";
  const bool has_new_name =
      std::ranges::find(settings.all, kNewName, &std::pair<std::string, std::string>::first) != settings.all.end();
  settings.max_split_size.reset();
  if (now.max_split_size != alloc::kUnlimited) settings.max_split_size = now.max_split_size;
  settings.garbage_collection_threshold = now.garbage_collection_threshold;
  settings.expandable_segments = now.expandable_segments;
  settings.roundup_power2_divisions = now.rounding.divisions;
  set(settings, has_new_name ? kNewName : "PYTORCH_CUDA_ALLOC_CONF", json_text(settings.conf.value_or("")));
  set(settings, "max_split_size", settings.max_split_size ? fmt::format("{}", settings.max_split_size->value()) : "-1");
  set(settings, "garbage_collection_threshold", json_real(now.garbage_collection_threshold));
  set(settings, "expandable_segments", now.expandable_segments ? "true" : "false");
  set(settings, "roundup_power2_divisions", json_divisions(now.rounding));
}

trace::Settings settings_in_force(const trace::Trace& recorded, const alloc::Settings& now) {
  trace::Settings settings = recorded.settings;
  if (now == recorded_settings(recorded)) return settings;
  settings.conf_at_start.reset();
  settings.conf = alloc::to_conf(now, settings.conf.value_or(""));
  list_settings(settings, now);
  return settings;
}

}  // namespace unfrag::replay
