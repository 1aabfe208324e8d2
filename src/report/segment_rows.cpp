#include "report/segment_rows.h"

#include <algorithm>
#include <span>
#include <tuple>

namespace unfrag::report {
namespace {

using analyze::MemoryState;
using analyze::PlacedBlock;
using analyze::PlacedSegment;

constexpr double kVisible = 2;  // as wide as the width is given in
constexpr uint64_t kLarge = 1 << 20;

std::span<const PlacedBlock> blocks_of(const MemoryState& state, const PlacedSegment& segment) {
  return std::span(state.blocks).subspan(segment.first_block, segment.block_count);
}

std::vector<const PlacedSegment*> by_size(const MemoryState& state) {
  std::vector<const PlacedSegment*> sorted;
  for (const PlacedSegment& segment : state.segments) {
    if (segment.run.size > 0) sorted.push_back(&segment);
  }
  std::ranges::sort(sorted, [](const PlacedSegment* a, const PlacedSegment* b) {
    return std::tuple(b->run.size, a->run.addr) < std::tuple(a->run.size, b->run.addr);
  });
  return sorted;
}

uint64_t rows_needed(std::span<const PlacedSegment* const> segments, uint64_t longest) {
  uint64_t rows = 0;
  for (const PlacedSegment* segment : segments)
    rows += segment->run.size / longest + (segment->run.size % longest != 0);
  return rows;
}

uint64_t smallest_large_block(const MemoryState& state, std::span<const PlacedSegment* const> segments) {
  uint64_t smallest = UINT64_MAX;
  for (const PlacedSegment* segment : segments) {
    for (const PlacedBlock& block : blocks_of(state, *segment)) {
      if (block.size >= kLarge) smallest = std::min(smallest, block.size);
    }
  }
  return smallest;
}

/// Puts what is too small for itself together.
class Gatherer {
 public:
  Gatherer(uint64_t least, const std::function<void(const Stretch&)>& draw) : least_(least), draw_(draw) {}

  void add(const Stretch& part) {
    if (part.begin == part.end) return;
    if (part.end - part.begin >= least_) {
      flush();
      draw_(part);
      return;
    }
    if (gathered_.begin == gathered_.end) gathered_.begin = part.begin;
    gathered_.end = part.end;
    gathered_.blocks += part.blocks;
    gathered_.holes += part.holes;
    gathered_.allocated += part.allocated;
    gathered_.pending += part.pending;
    if (part.block != nullptr) gathered_.block = part.block;
    if (gathered_.end - gathered_.begin >= least_) flush();
  }
  void flush() {
    if (gathered_.begin != gathered_.end) draw_(gathered_);
    gathered_ = {};
  }

 private:
  uint64_t least_;
  const std::function<void(const Stretch&)>& draw_;
  Stretch gathered_;
};

}  // namespace

SegmentRows cut_into_rows(const MemoryState& state, size_t most, double width) {
  std::vector<const PlacedSegment*> sorted = by_size(state);
  SegmentRows result;
  if (sorted.empty()) return result;
  const size_t listed = std::min(most, sorted.size());
  result.left_out.assign(sorted.begin() + static_cast<std::ptrdiff_t>(listed), sorted.end());
  sorted.resize(listed);
  result.longest = sorted.front()->run.size;
  const auto smallest = static_cast<double>(smallest_large_block(state, sorted));
  while (result.longest > kLarge && smallest * width < kVisible * static_cast<double>(result.longest) &&
         rows_needed(sorted, (result.longest + 1) / 2) <= most) {
    result.longest = (result.longest + 1) / 2;
  }
  for (const PlacedSegment* segment : sorted) {
    for (uint64_t at = 0; at < segment->run.size; at += std::min(result.longest, segment->run.size - at)) {
      result.rows.push_back({segment, at, std::min(result.longest, segment->run.size - at)});
    }
  }
  return result;
}

void for_each_stretch(const MemoryState& state, const SegmentRow& row, uint64_t least,
                      const std::function<void(const Stretch&)>& draw) {
  Gatherer gatherer(least, draw);
  const uint64_t begin = row.segment->run.addr + row.offset;
  const uint64_t end = begin + row.size;
  const auto blocks = blocks_of(state, *row.segment);
  const auto ends_before = [](const PlacedBlock& block, uint64_t at) { return block.addr + block.size <= at; };
  uint64_t reached = begin;
  for (auto block = std::lower_bound(blocks.begin(), blocks.end(), begin, ends_before);
       block != blocks.end() && block->addr < end; ++block) {
    const uint64_t from = std::max(block->addr, begin);
    const uint64_t to = std::min(block->addr + block->size, end);
    gatherer.add({.begin = reached, .end = from, .holes = 1});
    gatherer.add({.begin = from,
                  .end = to,
                  .blocks = 1,
                  .allocated = block->pending ? 0 : to - from,
                  .pending = block->pending ? to - from : 0,
                  .block = &*block});
    reached = to;
  }
  gatherer.add({.begin = reached, .end = end, .holes = 1});
  gatherer.flush();
}

}  // namespace unfrag::report
