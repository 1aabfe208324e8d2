// What happened to each block of one device: when it was handed out, given back and usable again, and how large it
// was; and which segments were there when the recording began.
//
//   alloc ───────────── free_requested ──── free_completed        a life; requested, size, stack
//     |  allocated, active  |   active (pending)   |  gone
//
// Traces that begin mid-way work: what is freed without having been handed out, or is still there at the end
// without having been handed out, was alive before. Sizes are exact for small blocks, in expandable segments and for
// blocks alive at the end; a large block of a plain segment may be up to 1 MiB larger than its rounded request, which
// only a replay knows: then `size` is the least it can be.
// Cost: one pass over the entries. Threads: safe to share once built.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/chunked.h"
#include "replay/segment_map.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// Moments are entries of the device, counted from 0: "after entry i".
inline constexpr uint32_t kBefore = UINT32_MAX - 1;  ///< Before the first entry of the recording.
inline constexpr uint32_t kNever = UINT32_MAX;       ///< Not within the recording.
inline constexpr uint32_t kNoLife = UINT32_MAX;

struct Life {
  uint64_t addr = 0;
  uint64_t size = 0;
  uint64_t requested = 0;
  uint32_t alloc = kBefore;
  uint32_t free_requested = kNever;
  uint32_t free_completed = kNever;
  trace::StackIdx stack = trace::kEmptyStack;
  bool size_exact = true;
};

/// Whether a life spans the moment after entry `event` (kBefore: before the first).
inline bool started_by(uint32_t moment, uint32_t event) {
  return moment == kBefore || (event != kBefore && moment != kNever && moment <= event);
}
inline bool active_at(const Life& life, uint32_t event) {
  return started_by(life.alloc, event) && !started_by(life.free_completed, event);
}
inline bool allocated_at(const Life& life, uint32_t event) {
  return started_by(life.alloc, event) && !started_by(life.free_requested, event);
}

/// Which of a free's two entries the trace has: a recording can be told to leave out either (skip_actions).
struct FreeEntries {
  bool requested = false;
  bool completed = false;
};

struct History {
  Chunked<Life> lives;              ///< In order of their alloc; those from before come where they were noticed.
  Chunked<uint32_t> life_of_entry;  ///< For each entry the life it is about, or kNoLife.
  std::vector<std::pair<uint32_t, uint32_t>> lost_frees;  ///< (entry, life): must have been freed by then, unrecorded.
  std::vector<uint32_t> segment_entries;                  ///< Entries about segments, in order.
  std::vector<uint32_t> oom_entries;
  FreeEntries free_entries;
  /// What each of them adds, where the segments at the end told its pool; parallel to segment_entries.
  std::vector<std::optional<Run>> added_runs;
  SegmentMap initial_segments;
  bool complete = false;  ///< The trace starts at the process's first allocation.
  bool sizes_are_lower_bounds = false;
  uint64_t contradictions = 0;  ///< Entries that do not fit what came before, or the final state.
  uint32_t first_contradiction = kNever;
};

/// When the life of a program was over; lives beyond the history's are requests that were refused.
inline uint32_t completion_of(const History& history, uint32_t life) {
  return life < history.lives.size() ? history.lives[life].free_completed : kNever;
}

History build_history(const trace::Trace& trace, const trace::Device& device);

}  // namespace unfrag::replay
