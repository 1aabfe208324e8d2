// The memory of one device at one moment: every segment and every active block, in address order.
//
// Free blocks need not be listed: the allocator merges neighbours at once, so they are the gaps between active
// blocks. Threads: values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analyze/lives.h"
#include "analyze/memory_kind.h"
#include "base/strong.h"
#include "trace/trace.h"

namespace unfrag::analyze {

/// An active block: allocated, or given back and waiting for other streams.
struct PlacedBlock {
  uint64_t addr = 0;
  uint64_t size = 0;
  uint64_t requested = 0;
  bool pending = false;
  trace::StackIdx stack = trace::kEmptyStack;
  uint32_t life = kNoLife;                 ///< Of the history; kNoLife in the state the snapshot shows.
  MemoryKind kind = MemoryKind::kUnknown;  ///< As Kinds::mark found.
};

struct PlacedSegment {
  Run run{};
  uint32_t first_block = 0;
  uint32_t block_count = 0;
  Bytes active{};   ///< In its blocks.
  Bytes pending{};  ///< Of that, in blocks that wait for other streams.
  Bytes free{};     ///< run.size - active.
  Bytes largest_hole{};
};

struct MemoryState {
  uint32_t entry = kNever;  ///< After this entry; kNever: as the snapshot shows it.
  std::vector<PlacedSegment> segments;
  std::vector<PlacedBlock> blocks;
  /// Active blocks that overlap others or lie in no segment, and what of allocated ones does: the file contradicts
  /// itself, and these bytes are nowhere in `segments`.
  uint64_t blocks_outside = 0;
  uint64_t allocated_blocks_outside = 0;
  Bytes allocated_outside{};
};

/// The state the snapshot shows.
MemoryState final_state(const trace::Trace& trace, const trace::Device& device);

/// The states after each of `entries`, which ascend (kBefore does not count among them).
/// Cost: one pass over the lives, and what is alive at each.
std::vector<MemoryState> states_after(const trace::Trace& trace, const trace::Device& device, const History& history,
                                      std::span<const uint32_t> entries);

/// The state after `entry` (kBefore: before the first).
/// Cost: linear in the number of lives.
MemoryState state_after(const trace::Trace& trace, const trace::Device& device, const History& history, uint32_t entry);

}  // namespace unfrag::analyze
