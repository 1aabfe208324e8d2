#include "analyze/without_growth.h"

#include <algorithm>
#include <vector>

namespace unfrag::analyze {
namespace {

class Gained {
 public:
  Gained(const History& history, const UserCode& user_code, const Growth& growth)
      : history_(history), user_code_(user_code), since_(growth.iterations.begins.front()) {
    frames_.reserve(growth.suspects.size());
    for (const Suspect& suspect : growth.suspects) frames_.push_back(user_code.culprit(suspect.stack).frame);
    std::ranges::sort(frames_);
  }
  [[nodiscard]] bool operator()(const PlacedBlock& block) const {
    if (block.life == kNoLife) return false;
    const uint32_t alloc = history_.lives[block.life].alloc;
    if (alloc == kBefore || alloc < since_) return false;
    return std::ranges::binary_search(frames_, user_code_.culprit(block.stack).frame);
  }

 private:
  const History& history_;
  const UserCode& user_code_;
  const uint32_t since_;
  std::vector<trace::FrameIdx> frames_;
};

MemoryState without(const MemoryState& state, const Gained& gained) {
  MemoryState left;
  left.segments.reserve(state.segments.size());
  for (const PlacedSegment& segment : state.segments) {
    PlacedSegment& kept = left.segments.emplace_back(segment);
    kept.first_block = static_cast<uint32_t>(left.blocks.size());
    kept.active = kept.pending = kept.largest_hole = Bytes();
    uint64_t reached = segment.run.addr;
    for (uint32_t b = segment.first_block; b < segment.first_block + segment.block_count; ++b) {
      const PlacedBlock& block = state.blocks[b];
      if (gained(block)) continue;
      kept.largest_hole = std::max(kept.largest_hole, Bytes(block.addr - reached));
      reached = block.addr + block.size;
      kept.active += Bytes(block.size);
      if (block.pending) kept.pending += Bytes(block.size);
      left.blocks.push_back(block);
    }
    kept.largest_hole = std::max(kept.largest_hole, Bytes(segment.run.end() - reached));
    kept.block_count = static_cast<uint32_t>(left.blocks.size()) - kept.first_block;
    kept.free = Bytes(segment.run.size) - kept.active;
  }
  return left;
}

}  // namespace

bool served_without_growth(const MemoryState& state, const History& history, const UserCode& user_code,
                           const Growth& growth, const Request& request, Bytes device_free) {
  if (growth.suspects.empty() || growth.iterations.begins.empty()) return false;
  const MemoryState left = without(state, Gained(history, user_code, growth));
  const Room room = measure_room(left, request);
  if (room.served) return true;
  if (asked_of_driver(request, room) <= device_free) return true;
  for (const PlacedSegment& segment : left.segments) {
    if (segment.block_count == 0 && segment.run.pool.is_default()) device_free += Bytes(segment.run.size);
  }
  return request.driver <= device_free;  // what went back to the driver is no tail any more
}

}  // namespace unfrag::analyze
