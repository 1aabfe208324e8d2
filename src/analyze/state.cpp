#include "analyze/state.h"

#include <algorithm>
#include <tuple>

namespace unfrag::analyze {
namespace {

// Puts each block into the segment that holds it and measures the gaps. Blocks that overlap the one before them, or
// reach beyond their segment, are cut to what is left, so that no byte counts twice.
class Placer {
 public:
  explicit Placer(MemoryState& state) : state_(state) {}

  void place(std::vector<PlacedBlock> blocks) {
    std::ranges::sort(blocks, {}, [](const PlacedBlock& block) {
      return std::tuple(block.addr, block.size, block.requested, block.pending, block.stack);
    });
    auto next = blocks.begin();
    for (PlacedSegment& segment : state_.segments) {
      const Run& run = segment.run;
      for (; next != blocks.end() && next->addr < run.addr; ++next) leave_outside(*next, next->size);
      segment.first_block = static_cast<uint32_t>(state_.blocks.size());
      uint64_t reached = run.addr;
      for (; next != blocks.end() && next->addr < run.end(); ++next) reached = place_one(*next, segment, reached);
      note_hole(segment, run.end() - reached);
      segment.block_count = static_cast<uint32_t>(state_.blocks.size()) - segment.first_block;
      segment.free = minus_or_zero(Bytes(run.size), segment.active);
    }
    for (; next != blocks.end(); ++next) leave_outside(*next, next->size);
  }

 private:
  uint64_t place_one(PlacedBlock block, PlacedSegment& segment, uint64_t reached) {
    if (block.addr < reached) {
      leave_outside(block, block.size);
      return reached;
    }
    note_hole(segment, block.addr - reached);
    const uint64_t room = segment.run.end() - block.addr;
    if (block.size > room) leave_outside(block, block.size - room);
    block.size = std::min(block.size, room);
    block.requested = std::min(block.requested, block.size);
    segment.active += Bytes(block.size);
    if (block.pending) segment.pending += Bytes(block.size);
    state_.blocks.push_back(block);
    return block.addr + block.size;
  }
  void leave_outside(const PlacedBlock& block, uint64_t bytes) {
    ++state_.blocks_outside;
    if (block.pending || bytes == 0) return;
    ++state_.allocated_blocks_outside;
    state_.allocated_outside += Bytes(bytes);
  }
  static void note_hole(PlacedSegment& segment, uint64_t bytes) {
    segment.largest_hole = std::max(segment.largest_hole, Bytes(bytes));
  }

  MemoryState& state_;
};

void place_segments(MemoryState& state, const SegmentMap& map) {
  for (const auto& [addr, run] : map.runs()) state.segments.emplace_back().run = run;
}

}  // namespace

MemoryState final_state(const trace::Trace& trace, const trace::Device& device) {
  MemoryState state;
  place_segments(state, final_segments(trace, device));
  std::vector<PlacedBlock> blocks;
  for (uint32_t s = 0; s < device.segment_count; ++s) {
    const trace::Segment& segment = trace.segments[device.first_segment + s];
    for (uint32_t b = segment.first_block; b < segment.first_block + segment.block_count; ++b) {
      if (trace.blocks.state[b] == trace::BlockState::kInactive) continue;
      blocks.push_back({.addr = trace.blocks.addr[b],
                        .size = trace.blocks.size[b],
                        .requested = trace.blocks.requested[b],
                        .pending = trace.blocks.state[b] == trace::BlockState::kPendingFree,
                        .stack = trace.blocks.stack[b]});
    }
  }
  Placer(state).place(std::move(blocks));
  return state;
}

MemoryState state_after(const trace::Trace& trace, const trace::Device& device, const History& history,
                        uint32_t entry) {
  MemoryState state;
  state.entry = entry;
  SegmentMap map = history.initial_segments;
  for (size_t i = 0; i < history.segment_entries.size(); ++i) {
    if (entry == kBefore || history.segment_entries[i] > entry) break;
    play_forward(map, trace, size_t{device.first_event} + history.segment_entries[i], history.added_runs[i]);
  }
  place_segments(state, map);
  std::vector<PlacedBlock> blocks;
  for (size_t i = 0; i < history.lives.size(); ++i) {
    const Life& life = history.lives[i];
    if (!active_at(life, entry)) continue;
    blocks.push_back({.addr = life.addr,
                      .size = life.size,
                      .requested = std::min(life.requested, life.size),
                      .pending = !allocated_at(life, entry),
                      .stack = life.stack});
  }
  Placer(state).place(std::move(blocks));
  return state;
}

}  // namespace unfrag::analyze
