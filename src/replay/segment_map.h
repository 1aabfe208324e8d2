// The segments of one device at one moment, by address, moved along by segment entries.
//
// Plain segments stay apart even where their addresses touch; mapped ranges of an expandable segment that touch and
// belong together are one run, as in a snapshot. Threads: one writer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "trace/trace.h"

namespace unfrag::replay {

/// A run of reserved memory.
struct Run {
  uint64_t addr = 0;
  uint64_t size = 0;
  int64_t stream = 0;
  trace::PoolKind kind = trace::PoolKind::kUnknown;
  trace::PoolId pool{};
  bool expandable = false;
  [[nodiscard]] uint64_t end() const { return addr + size; }
};

class SegmentMap {
 public:
  void add(const Run& run);
  /// Takes [addr, addr + size) out; false where it is not all there (then what is there is taken out).
  bool remove(uint64_t addr, uint64_t size);
  /// The run that holds `addr`, or null.
  [[nodiscard]] const Run* find(uint64_t addr) const;
  [[nodiscard]] const std::map<uint64_t, Run>& runs() const { return runs_; }
  [[nodiscard]] bool empty() const { return runs_.empty(); }

 private:
  std::map<uint64_t, Run> runs_;  // by start address
};

/// The run that a segment entry adds or takes away. Kind and pool where the entry tells, else what its size tells.
Run run_of_event(const trace::Trace& trace, size_t event, const SegmentMap& neighbours);

/// Plays one segment entry, forwards or backwards. False where it contradicts the map. Other entries do nothing.
/// `known`: what the entry adds, where the final segments told.
bool play_forward(SegmentMap& map, const trace::Trace& trace, size_t event, const std::optional<Run>& known = {});
bool play_backward(SegmentMap& map, const trace::Trace& trace, size_t event);

/// Whether an entry is about segments.
inline bool is_segment_action(trace::Action action) {
  return action >= trace::Action::kSegmentAlloc && action <= trace::Action::kSegmentUnmap;
}

/// The segments of `device` as the snapshot shows them.
SegmentMap final_segments(const trace::Trace& trace, const trace::Device& device);

}  // namespace unfrag::replay
