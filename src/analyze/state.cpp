#include "analyze/state.h"

#include <algorithm>
#include <array>
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
  state.segments.reserve(map.runs().size());
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

std::vector<MemoryState> states_after(const trace::Trace& trace, const trace::Device& device, const History& history,
                                      std::span<const uint32_t> entries) {
  std::vector<MemoryState> states(entries.size());
  SegmentMap map = history.initial_segments;
  size_t next = 0;
  for (size_t k = 0; k < entries.size(); ++k) {
    for (; next < history.segment_entries.size() && started_by(history.segment_entries[next], entries[k]); ++next) {
      play_forward(map, trace, size_t{device.first_event} + history.segment_entries[next], history.added_runs[next]);
    }
    states[k].entry = entries[k];
    place_segments(states[k], map);
  }
  std::vector<std::vector<PlacedBlock>> blocks(entries.size());
  for (size_t i = 0; i < history.lives.size(); ++i) {
    const Life& life = history.lives[i];
    // The moments that a life spans follow each other.
    const auto first = std::ranges::find_if(entries, [&](uint32_t entry) { return started_by(life.alloc, entry); });
    for (auto k = static_cast<size_t>(first - entries.begin()); k < entries.size() && active_at(life, entries[k]);
         ++k) {
      blocks[k].push_back({.addr = life.addr,
                           .size = life.size,
                           .requested = std::min(life.requested, life.size),
                           .pending = !allocated_at(life, entries[k]),
                           .stack = life.stack,
                           .life = static_cast<uint32_t>(i)});
    }
  }
  for (size_t k = 0; k < entries.size(); ++k) Placer(states[k]).place(std::move(blocks[k]));
  return states;
}

MemoryState state_after(const trace::Trace& trace, const trace::Device& device, const History& history,
                        uint32_t entry) {
  const std::array<uint32_t, 1> entries = {entry};
  return std::move(states_after(trace, device, history, entries).front());
}

}  // namespace unfrag::analyze
