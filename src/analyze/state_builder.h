// States for tests: segments and blocks placed by hand.
#pragma once

#include <algorithm>

#include "analyze/state.h"

namespace unfrag::analyze {

inline constexpr uint64_t kTestMiB = uint64_t{1} << 20;

/// Offsets and sizes in MiB. Blocks go into the segment added last, in address order.
class StateBuilder {
 public:
  StateBuilder& segment(uint64_t offset, uint64_t size, int64_t stream = 0, trace::PoolId pool = {},
                        bool expandable = false) {
    PlacedSegment& added = state_.segments.emplace_back();
    added.run = {.addr = kBase + offset * kTestMiB,
                 .size = size * kTestMiB,
                 .stream = stream,
                 .kind = trace::PoolKind::kLarge,
                 .pool = pool,
                 .expandable = expandable};
    added.first_block = static_cast<uint32_t>(state_.blocks.size());
    measure();
    return *this;
  }
  StateBuilder& block(uint64_t offset, uint64_t size, bool pending = false) {
    state_.blocks.push_back(
        {.addr = kBase + offset * kTestMiB, .size = size * kTestMiB, .requested = size * kTestMiB, .pending = pending});
    ++state_.segments.back().block_count;
    measure();
    return *this;
  }
  StateBuilder& pending(uint64_t offset, uint64_t size) { return block(offset, size, true); }
  [[nodiscard]] const MemoryState& state() const { return state_; }

 private:
  static constexpr uint64_t kBase = 0x7000'0000'0000;

  void measure() {
    PlacedSegment& segment = state_.segments.back();
    segment.active = segment.pending = segment.largest_hole = Bytes();
    uint64_t reached = segment.run.addr;
    for (uint32_t b = segment.first_block; b < segment.first_block + segment.block_count; ++b) {
      const PlacedBlock& block = state_.blocks[b];
      segment.largest_hole = std::max(segment.largest_hole, Bytes(block.addr - reached));
      reached = block.addr + block.size;
      segment.active += Bytes(block.size);
      if (block.pending) segment.pending += Bytes(block.size);
    }
    segment.largest_hole = std::max(segment.largest_hole, Bytes(segment.run.end() - reached));
    segment.free = Bytes(segment.run.size) - segment.active;
  }

  MemoryState state_;
};

}  // namespace unfrag::analyze
