#include "rehearsal/null/visible_devices.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unfrag::null {
namespace {

constexpr int kMostDevices = 64;  // that NVML is told of

std::optional<int> number_in(std::string_view name) {
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 0) return std::nullopt;
  return number;
}

bool is_device_name(std::string_view name) {
  return number_in(name).has_value() || name.starts_with("GPU-") || name.starts_with("MIG-");
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The names up to the first that is none or comes again, which hides all.
std::vector<std::string> names_in(std::string_view variable) {
  std::vector<std::string> names;
  for (size_t at = 0; at <= variable.size();) {
    const size_t end = std::min(variable.find(',', at), variable.size());
    const std::string name(trimmed(variable.substr(at, end - at)));
    if (!is_device_name(name)) break;
    if (std::ranges::find(names, name) != names.end()) return {};
    names.push_back(name);
    at = end + 1;
  }
  return names;
}

}  // namespace

int visible_devices(const char* variable, int presented) {
  if (variable == nullptr) return presented;
  return std::min(presented, static_cast<int>(names_in(variable).size()));
}

int machine_devices(const char* variable, int presented) {
  int most = presented;
  if (variable == nullptr) return most;
  for (const std::string& name : names_in(variable)) {
    most = std::max(most, std::min(number_in(name).value_or(0) + 1, kMostDevices));
  }
  return most;
}

}  // namespace unfrag::null
