// The settings of PyTorch's caching allocator: PYTORCH_CUDA_ALLOC_CONF as values.
//
// Only what decides where a block goes; keys about pinned memory and locks are accepted and have no effect here.
// Threads: values.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alloc/rounding.h"
#include "alloc/version.h"
#include "base/result.h"
#include "base/strong.h"

namespace unfrag::alloc {

inline constexpr Bytes kUnlimited{std::numeric_limits<uint64_t>::max()};

struct Settings {
  bool expandable_segments = false;
  Bytes max_split_size = kUnlimited;             ///< Requests of this size and more are never split.
  Bytes max_non_split_rounding = kLargeSegment;  ///< Slack allowed when such a request takes a larger block.
  Bytes large_segment_size = kLargeSegment;      ///< What the driver is asked for, for a block of 1 to 10 MiB.
  RoundingRules rounding{};
  double garbage_collection_threshold = 0;  ///< Of the limit; 0: off. No effect without a limit.
  std::optional<double> memory_fraction{};  ///< per_process_memory_fraction, where the settings give it.
  bool throw_on_cudamalloc_oom = false;
  /// Address space reserved for an expandable segment, as a part of the device; 9/8 unless given (2.14 on).
  std::optional<double> reserve_fraction{};
  std::optional<Bytes> reserve_bytes{};  ///< The same in bytes (given as "<n>G").
  bool operator==(const Settings&) const = default;
};

/// Parses the text of PYTORCH_CUDA_ALLOC_CONF as `version` would, more strictly where PyTorch lets nonsense pass.
/// `before`: the settings in force; each text resets some of them, whatever it says.
/// Errors: kUsage with the key, for unknown keys, keys that the version does not have and values it refuses.
/// Source: documentation of each release; c10/core/AllocatorConfig.h in 2.15.
Result<Settings> parse_settings(std::string_view conf, Version version, const Settings& before = {});

/// The text that sets what differs from the defaults, keys in a fixed order, then those pairs of `others` that say
/// nothing of where a block goes (backend, pinned_..., ...). Empty for the defaults.
std::string to_conf(const Settings& settings, std::string_view others = {});

/// Whether that release knows the key.
bool has_key(std::string_view key, Version version);

}  // namespace unfrag::alloc
