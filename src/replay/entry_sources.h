// Which entry of the recording an entry of a replay stands for: whose stack, time and notes it takes.
//
// Both come in bursts, one an op of the program. Within a burst an entry stands for the recording's next one of the
// same action; what the recording has not (a segment obtained where it had a block in its cache) stands for the op's
// own entry, which is the request or release that caused it, as in PyTorch.
//
//   recording   segment_free  segment_alloc  alloc          the op's entry is the alloc
//   replay                    segment_alloc  alloc  ...
//
// Cost: constant an entry. Threads: one.
#pragma once

#include <bitset>
#include <cstdint>

#include "replay/log.h"
#include "replay/program.h"
#include "trace/trace.h"

namespace unfrag::replay {

class EntrySources {
 public:
  EntrySources(const trace::Trace& trace, const trace::Device& device, const Program& program)
      : trace_(trace), device_(device), program_(program) {}

  struct Source {
    uint32_t entry = 0;  ///< Of the device.
    uint32_t when = 0;   ///< The one whose time it takes: nothing goes back in time within a burst.
  };
  /// Call it for each entry of the log, in order.
  Source find(const LogEntry& entry);

 private:
  [[nodiscard]] trace::Action action(uint32_t entry) const {
    return trace_.events.action[size_t{device_.first_event} + entry];
  }
  void begin_burst(uint32_t origin);

  const trace::Trace& trace_;
  const trace::Device& device_;
  const Program& program_;
  size_t op_ = 0;
  uint32_t origin_ = kNoEntry;
  uint32_t next_ = 0;        ///< Of the recording: those before are taken.
  uint32_t end_ = 0;         ///< Of the burst.
  std::bitset<16> missing_;  ///< Actions of which the burst has no more.
};

}  // namespace unfrag::replay
