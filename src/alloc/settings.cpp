#include "alloc/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/text.h"

namespace unfrag::alloc {
namespace {

struct Key {
  std::string_view name;
  Version since;
  bool places;  ///< It decides where a block goes.
};

// Source: documentation of each release and the pull requests that added the keys; the first three are older than 2.0.
constexpr std::array<Key, 22> kKeys = {{
    {"large_segment_size_mb", {2, 12}, true},
    {"max_split_size_mb", {1, 10}, true},
    {"max_non_split_rounding_mb", {2, 5}, true},
    {"roundup_power2_divisions", {1, 12}, true},
    {"garbage_collection_threshold", {1, 12}, true},
    {"expandable_segments", {2, 1}, true},
    {"expandable_segments_reserve", {2, 14}, true},
    {"expandable_segments_reserve_by_class", {2, 14}, false},
    {"per_process_memory_fraction", {2, 10}, true},
    {"throw_on_cudamalloc_oom", {2, 12}, true},
    {"backend", {1, 13}, false},
    {"release_lock_on_cudamalloc", {2, 1}, false},
    {"release_lock_on_hipmalloc", {2, 1}, false},
    {"graph_capture_record_stream_reuse", {2, 9}, false},
    {"pinned_use_cuda_host_register", {2, 1}, false},
    {"pinned_use_hip_host_register", {2, 1}, false},
    {"pinned_num_register_threads", {2, 1}, false},
    {"pinned_use_background_threads", {2, 5}, false},
    {"pinned_reserve_segment_size_mb", {2, 10}, false},
    {"pinned_free_catch_all", {2, 14}, false},
    {"pinned_max_round_threshold_mb", {2, 12}, false},
    {"pinned_max_cached_size_mb", {2, 12}, false},
}};

const Key* find_key(std::string_view name) {
  const auto* const key = std::ranges::find(kKeys, name, &Key::name);
  return key == kKeys.end() ? nullptr : key;
}

struct Pair {
  std::string key;
  std::string value;
};

Error bad(std::string what, std::string action) { return {ErrorKind::kUsage, "", std::move(what), std::move(action)}; }
Error bad_value(const Pair& pair, std::string action) {
  return bad(fmt::format("{}:{} is no value that PyTorch takes", escape_text(pair.key), escape_text(pair.value)),
             std::move(action));
}

// Pairs divided by commas outside brackets; white space is nothing, as in PyTorch.
Result<std::vector<Pair>> split_conf(std::string_view conf) {
  std::string text;
  std::ranges::copy_if(conf, std::back_inserter(text), [](char c) { return c != ' ' && c != '\t' && c != '\n'; });
  std::vector<Pair> pairs;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    depth += (c == '[' ? 1 : 0) - (c == ']' ? 1 : 0);
    if (c != ',' || (depth > 0 && i < text.size())) continue;
    const std::string pair = text.substr(begin, i - begin);
    begin = i + 1;
    if (pair.empty()) continue;
    const size_t colon = pair.find(':');
    if (colon == std::string::npos || colon + 1 == pair.size()) {
      return bad(fmt::format("the setting {} has no value", escape_text(pair)), "KEY:VALUE,KEY:VALUE");
    }
    pairs.push_back({.key = pair.substr(0, colon), .value = pair.substr(colon + 1)});
  }
  return pairs;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// strtod, not from_chars: libc++ 19 has no from_chars for double.
std::optional<double> parse_real(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || end != text.c_str() + text.size()) return std::nullopt;
  return value;
}

using Outcome = std::optional<Error>;

Outcome parse_bool(const Pair& pair, bool& into) {
  if (pair.value != "True" && pair.value != "False") return bad_value(pair, "True or False");
  into = pair.value == "True";
  return std::nullopt;
}

Outcome parse_mebibytes(const Pair& pair, Bytes at_least, Bytes& into) {
  const auto mib = parse_number<uint64_t>(pair.value);
  const uint64_t least = at_least.value() >> 20;
  if (!mib || *mib < least || *mib > (uint64_t{1} << 40)) {
    return bad_value(pair, fmt::format("a whole number of MiB, {} or more", least));
  }
  into = Bytes(*mib << 20);
  return std::nullopt;
}

Outcome parse_part(const Pair& pair, bool zero_and_one, double& into) {
  const auto part = parse_real(pair.value);
  const bool inside = part && (zero_and_one ? *part >= 0 && *part <= 1 : *part > 0 && *part < 1);
  if (!inside) return bad_value(pair, zero_and_one ? "a number from 0 to 1" : "a number between 0 and 1");
  into = *part;
  return std::nullopt;
}

Outcome parse_reserve(const Pair& pair, Settings& settings) {
  settings.reserve_fraction.reset();
  settings.reserve_bytes.reset();
  if (pair.value.ends_with('G')) {
    const auto gib = parse_number<uint64_t>(std::string_view(pair.value).substr(0, pair.value.size() - 1));
    if (!gib || *gib == 0 || *gib > (uint64_t{1} << 30)) return bad_value(pair, "a number of GiB such as 40G");
    settings.reserve_bytes = Bytes(*gib << 30);
    return std::nullopt;
  }
  const auto part = parse_real(pair.value);
  if (!part || !(*part > 0) || *part > 1000) return bad_value(pair, "a part of the device such as 0.5, or 40G");
  settings.reserve_fraction = part;
  return std::nullopt;
}

Outcome parse_division(const Pair& pair, std::string_view text, bool zero, uint32_t& into) {
  const auto divisions = parse_number<uint32_t>(text);
  const bool fits = divisions && (std::has_single_bit(*divisions) || (zero && *divisions == 0));
  if (!fits) return bad_value(pair, "powers of two");
  into = *divisions;
  return std::nullopt;
}

// The first pair of a list also fills the slots below it, `>` those after the last (or from it on, see Rules).
Outcome parse_division_list(const Pair& pair, const Rules& rules, RoundingRules& into) {
  std::string_view list = std::string_view(pair.value).substr(1, pair.value.size() - 2);
  size_t last = 0;
  for (bool first = true; !list.empty(); first = false) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const size_t colon = item.find(':');
    if (colon == std::string_view::npos) return bad_value(pair, "[256:4,512:2,>:1]");
    uint32_t divisions = 0;
    if (auto error = parse_division(pair, item.substr(colon + 1), /*zero=*/true, divisions)) return error;
    if (item.substr(0, colon) == ">") {
      const size_t from = first ? 0 : last + (rules.divisions_rest_is_after ? 1 : 0);
      for (size_t slot = from; slot < into.divisions.size(); ++slot) into.divisions[slot] = divisions;
      continue;
    }
    const auto mib = parse_number<uint64_t>(item.substr(0, colon));
    if (!mib || !std::has_single_bit(*mib)) return bad_value(pair, "sizes in MiB that are powers of two");
    last = std::min<size_t>(static_cast<size_t>(std::countr_zero(*mib)), into.divisions.size() - 1);
    for (size_t slot = first ? 0 : last; slot <= last; ++slot) into.divisions[slot] = divisions;
  }
  return std::nullopt;
}

Outcome parse_divisions(const Pair& pair, const Rules& rules, RoundingRules& into) {
  into = {};
  if (pair.value.starts_with('[') && pair.value.ends_with(']')) return parse_division_list(pair, rules, into);
  uint32_t divisions = 0;
  if (auto error = parse_division(pair, pair.value, /*zero=*/false, divisions)) return error;
  into.divisions.fill(divisions);
  return std::nullopt;
}

Outcome parse_pair(const Pair& pair, Version version, Settings& settings) {
  if (pair.key == "max_split_size_mb") {
    return parse_mebibytes(pair, settings.large_segment_size, settings.max_split_size);
  }
  if (pair.key == "max_non_split_rounding_mb") {
    return parse_mebibytes(pair, settings.large_segment_size, settings.max_non_split_rounding);
  }
  if (pair.key == "roundup_power2_divisions") return parse_divisions(pair, rules_of(version), settings.rounding);
  if (pair.key == "garbage_collection_threshold") {
    return parse_part(pair, /*zero_and_one=*/false, settings.garbage_collection_threshold);
  }
  if (pair.key == "expandable_segments") return parse_bool(pair, settings.expandable_segments);
  if (pair.key == "expandable_segments_reserve") return parse_reserve(pair, settings);
  if (pair.key == "per_process_memory_fraction") {
    return parse_part(pair, /*zero_and_one=*/true, settings.memory_fraction.emplace());
  }
  if (pair.key == "throw_on_cudamalloc_oom") return parse_bool(pair, settings.throw_on_cudamalloc_oom);
  if (pair.key == "backend" && pair.value != "native") {
    return bad("backend:" + escape_text(pair.value) + " is another allocator, which cannot be replayed",
               "backend:native");
  }
  return std::nullopt;
}

}  // namespace

bool has_key(std::string_view key, Version version) {
  const Key* const known = find_key(key);
  return known != nullptr && version >= known->since;
}

Result<Settings> parse_settings(std::string_view conf, Version version, const Settings& before) {
  const auto pairs = split_conf(conf);
  if (!pairs) return pairs.error();
  Settings settings = before;
  settings.max_split_size = kUnlimited;
  settings.rounding = {};
  settings.garbage_collection_threshold = 0;
  if (has_key("large_segment_size_mb", version)) settings.max_non_split_rounding = settings.large_segment_size;
  for (const Pair& pair : *pairs) {
    const Key* const key = find_key(pair.key);
    if (key == nullptr) return bad(fmt::format("{} is no setting of PyTorch's", escape_text(pair.key)), "another name");
    if (version < key->since) {
      return bad(fmt::format("PyTorch {}.{} does not have the setting {}, which came with {}.{}", version.major,
                             version.minor, key->name, key->since.major, key->since.minor),
                 "leaving it out");
    }
    if (key->name != "large_segment_size_mb") continue;  // others depend on it
    if (auto error = parse_mebibytes(pair, 11_MiB, settings.large_segment_size)) return *error;
    settings.max_non_split_rounding = settings.large_segment_size;
  }
  for (const Pair& pair : *pairs) {
    if (auto error = parse_pair(pair, version, settings)) return *error;
  }
  return settings;
}

namespace {

// Without `>`, which means another slot before 2.10. Slots between those listed are off.
std::string divisions_text(const RoundingRules& rounding) {
  const auto& slots = rounding.divisions;
  if (std::ranges::all_of(slots, [&](uint32_t d) { return d == slots[0]; })) return fmt::format("{}", slots[0]);
  size_t first = 0;
  while (slots[first + 1] == slots[0]) ++first;  // the first pair fills what is below
  std::string text = fmt::format("[{}:{}", uint64_t{1} << first, slots[first]);
  for (size_t slot = first + 1; slot < slots.size(); ++slot) {
    if (slots[slot] > 1) text += fmt::format(",{}:{}", uint64_t{1} << slot, slots[slot]);
  }
  return text + "]";
}

}  // namespace

std::string to_conf(const Settings& settings, std::string_view others) {
  const Settings defaults;
  std::string conf;
  const auto add = [&](std::string_view key, std::string_view value) {
    conf += fmt::format("{}{}:{}", conf.empty() ? "" : ",", key, value);
  };
  const auto mebibytes = [](Bytes size) { return fmt::format("{}", size.value() >> 20); };
  if (settings.expandable_segments) add("expandable_segments", "True");
  if (settings.large_segment_size != defaults.large_segment_size) {
    add("large_segment_size_mb", mebibytes(settings.large_segment_size));
  }
  if (settings.max_split_size != kUnlimited) add("max_split_size_mb", mebibytes(settings.max_split_size));
  if (settings.max_non_split_rounding != settings.large_segment_size) {
    add("max_non_split_rounding_mb", mebibytes(settings.max_non_split_rounding));
  }
  if (settings.rounding != defaults.rounding) add("roundup_power2_divisions", divisions_text(settings.rounding));
  if (settings.garbage_collection_threshold > 0) {
    add("garbage_collection_threshold", fmt::format("{}", settings.garbage_collection_threshold));
  }
  if (settings.memory_fraction) add("per_process_memory_fraction", fmt::format("{}", *settings.memory_fraction));
  if (settings.throw_on_cudamalloc_oom) add("throw_on_cudamalloc_oom", "True");
  if (settings.reserve_fraction) add("expandable_segments_reserve", fmt::format("{}", *settings.reserve_fraction));
  if (settings.reserve_bytes) {
    add("expandable_segments_reserve", fmt::format("{}G", settings.reserve_bytes->value() >> 30));
  }
  const auto pairs = split_conf(others);
  if (!pairs) return conf;
  for (const Pair& pair : *pairs) {
    const Key* const key = find_key(pair.key);
    if (key == nullptr || !key->places) add(pair.key, pair.value);
  }
  return conf;
}

}  // namespace unfrag::alloc
