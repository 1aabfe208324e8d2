// Under what a recording was made, as far as it tells: settings, release, device.
//
// A file names neither the release nor the device; what is inferred and what is unknown is said by the members.
// Threads: values.
#pragma once

#include <optional>

#include "alloc/caching_policy.h"
#include "base/result.h"
#include "base/strong.h"
#include "replay/card.h"
#include "replay/history.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// Where new segments lie: above those before, below, or one above and one below.
enum class Direction : uint8_t { kUp, kDown, kByTurns };

/// The device and limits of a replay.
struct Limits {
  std::optional<Bytes> capacity{};  ///< What the driver gives this process in all; nothing: without end.
  std::optional<Bytes> total{};     ///< All memory of the device, where known.
  std::optional<Bytes> limit{};     ///< Of a memory fraction.
};

/// The settings in force once PyTorch has parsed `conf`.
alloc::Settings settings_after(const std::string& conf, alloc::Version version, const alloc::Settings& before);

/// The settings in force at the first entry: those at the end, unless the trace says what changed.
alloc::Settings initial_settings(const trace::Trace& trace);

/// The settings in force at the end of the recording. What the file does not list (max_non_split_rounding_mb,
/// large_segment_size_mb, ...) comes from the text of the settings, where that parses.
alloc::Settings recorded_settings(const trace::Trace& trace);

/// The release whose rules the recording follows; the newest where nothing tells.
alloc::Version recorded_version(const trace::Trace& trace);

/// Limits from the first out-of-memory entry: what was reserved then and what the driver had left;
/// where that alone would have held the request a limit refused it, and the most reserved until then is the limit.
/// Without such an entry from requests that gave memory back before they were served, where stacks show it.
Limits find_limits(const trace::Trace& trace, const trace::Device& device, const History& history,
                   const alloc::Settings& settings);

/// Limits from a card alone. Requires: it has memory.
Limits limits_of(const Card& card, const alloc::Settings& settings, const alloc::Rules& rules);

/// The most that was reserved at once, as the entries have it.
Bytes recorded_reserved_peak(const trace::Trace& trace, const trace::Device& device, const History& history);

/// Which way the recording's own segments mostly go; down where there are fewer than two.
Direction recorded_direction(const trace::Trace& trace, const trace::Device& device, const History& history);

}  // namespace unfrag::replay
