// The figures by which two runs are compared, under PyTorch's own names for them. Threads: values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace unfrag::analyze {

enum class Metric : uint8_t {
  kPeakReserved,
  kPeakActive,
  kPeakAllocated,
  kPeakRequested,
  kNowReserved,  ///< At the end, as the snapshot shows it.
  kNowActive,
  kNowAllocated,
  kNowRequested,
  kNumOoms,
  kNumAllocRetries,  ///< Only a replay counts these.
  kNumDeviceAlloc,   ///< Segments obtained from the driver and steps of mapping.
  kNumDeviceFree,
};
inline constexpr size_t kMetrics = 12;

/// Of each metric its value; nothing where it is not known.
using Metrics = std::array<std::optional<uint64_t>, kMetrics>;

/// "peak_reserved_bytes", "num_ooms".
constexpr std::string_view metric_name(Metric metric) {
  constexpr std::array<std::string_view, kMetrics> kNames = {
      "peak_reserved_bytes",  "peak_active_bytes",   "peak_allocated_bytes",
      "peak_requested_bytes", "now_reserved_bytes",  "now_active_bytes",
      "now_allocated_bytes",  "now_requested_bytes", "num_ooms",
      "num_alloc_retries",    "num_device_alloc",    "num_device_free"};
  return kNames[static_cast<size_t>(metric)];
}
/// Else it is a number of something.
constexpr bool is_size(Metric metric) { return metric < Metric::kNumOoms; }

inline std::optional<uint64_t>& at(Metrics& metrics, Metric metric) { return metrics[static_cast<size_t>(metric)]; }
inline const std::optional<uint64_t>& at(const Metrics& metrics, Metric metric) {
  return metrics[static_cast<size_t>(metric)];
}

}  // namespace unfrag::analyze
