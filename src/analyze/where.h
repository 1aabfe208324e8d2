// Where the bytes of one moment are, adding up exactly, and what the free ones are good for.
//
//   reserved = requested + rounding + pending + free in used segments + wholly free segments
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analyze/state.h"
#include "base/strong.h"
#include "trace/trace.h"

namespace unfrag::analyze {

/// Free memory is of use only to requests of the same pool and stream: one row for each such combination.
struct PoolUse {
  int64_t stream = 0;
  trace::PoolId pool{};
  trace::PoolKind kind = trace::PoolKind::kUnknown;
  uint64_t segments = 0;
  Bytes reserved{};
  Bytes allocated{};
  Bytes pending{};
  Bytes free{};
  Bytes free_segments{};  ///< Of `free`, in segments with no active block at all.
  Bytes largest_hole{};
};

/// All bytes of one moment. The first five add up to `reserved`.
struct Where {
  Bytes requested{};          ///< In allocated blocks.
  Bytes rounding{};           ///< Allocated blocks beyond what was requested.
  Bytes pending{};            ///< Whole blocks given back that wait for other streams.
  Bytes pending_requested{};  ///< Of that, what had been requested.
  Bytes free_in_segments{};   ///< In segments that also hold active blocks.
  Bytes free_segments{};      ///< In segments with nothing active.
  Bytes reserved{};
  Bytes outside{};             ///< Allocated blocks that contradict the segments: not in them, so not in `reserved`.
  Bytes unmapped{};            ///< Mapped earlier in the recording and unmapped again; outside reserved.
  std::vector<PoolUse> pools;  ///< Rows sum to the total.
  [[nodiscard]] Bytes allocated() const { return requested + rounding; }
  [[nodiscard]] Bytes active() const { return requested + rounding + pending; }
};

/// What a failed request asked for.
struct FailedRequest {
  uint32_t entry = kNever;
  Bytes rounded{};
  std::optional<Bytes> device_free{};  ///< What the driver had left, if the entry says.
  int64_t stream = 0;
  trace::PoolId pool{};
  bool has_pool = false;
  trace::StackIdx stack = trace::kEmptyStack;
};

struct Fragmentation {
  Bytes free{};          ///< Inactive bytes in segments.
  Bytes largest_free{};  ///< The largest hole.
  Bytes releasable{};    ///< What empty_cache would return to the driver.
  Bytes stranded{};      ///< Inactive or pending bytes that the last failed request (else the default pool of the
                         ///< default stream) may not use.
};

/// A segment that cannot go back to the driver, and why.
struct PinnedSegment {
  Run run{};
  Bytes held{};  ///< In active blocks.
  Bytes free{};
  uint32_t blocks = 0;    ///< How many active ones.
  PlacedBlock largest{};  ///< The largest of them.
};

Where where_bytes_are(const trace::Trace& trace, const trace::Device& device, const History& history,
                      const MemoryState& state);
Fragmentation measure_fragmentation(const MemoryState& state, const trace::Settings& settings,
                                    const std::optional<FailedRequest>& last_failed);
/// Segments with free bytes that an active block keeps from the driver, most free bytes first.
std::vector<PinnedSegment> find_pinned_segments(const MemoryState& state);

}  // namespace unfrag::analyze
