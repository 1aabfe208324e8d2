#include "analyze/checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace unfrag::analyze {
namespace {

constexpr size_t kMostNamed = 3;  // segments named one by one; the rest is counted

struct BlockSums {
  uint64_t total = 0, allocated = 0, active = 0, requested = 0;
  bool gapless = true;
};

BlockSums sum_blocks(const trace::Trace& trace, const trace::Segment& segment) {
  BlockSums sums;
  uint64_t next = segment.addr.value();
  for (uint32_t b = segment.first_block; b < segment.first_block + segment.block_count; ++b) {
    const uint64_t size = trace.blocks.size[b];
    sums.gapless = sums.gapless && trace.blocks.addr[b] == next;
    next = trace.blocks.addr[b] + size;
    sums.total += size;
    if (trace.blocks.state[b] == trace::BlockState::kInactive) continue;
    sums.active += size;
    sums.requested += trace.blocks.requested[b];
    if (trace.blocks.state[b] == trace::BlockState::kAllocated) sums.allocated += size;
  }
  return sums;
}

std::string contradiction_in(const trace::Trace& trace, const trace::Segment& segment) {
  const BlockSums sums = sum_blocks(trace, segment);
  if (sums.total != segment.total.value()) {
    return fmt::format("its blocks add up to {} bytes, not to its {}", sums.total, segment.total.value());
  }
  if (!sums.gapless) return "its blocks overlap or leave gaps";
  if (segment.has_recorded_sums &&
      (sums.allocated != segment.recorded_allocated.value() || sums.active != segment.recorded_active.value())) {
    return fmt::format("it says {} bytes allocated and {} active, its blocks say {} and {}",
                       segment.recorded_allocated.value(), segment.recorded_active.value(), sums.allocated,
                       sums.active);
  }
  if (segment.has_recorded_requested && sums.requested != segment.recorded_requested.value()) {
    return fmt::format("it says {} bytes requested, its blocks say {}", segment.recorded_requested.value(),
                       sums.requested);
  }
  return {};
}

}  // namespace

std::vector<std::string> find_contradictions(const trace::Trace& trace, const trace::Device& device,
                                             const History& history, const UsageCurves& curves,
                                             std::span<const MemoryState* const> states) {
  std::vector<std::string> warnings;
  size_t segments = 0;
  for (uint32_t s = 0; s < device.segment_count; ++s) {
    const trace::Segment& segment = trace.segments[device.first_segment + s];
    const std::string what = contradiction_in(trace, segment);
    if (what.empty()) continue;
    if (++segments <= kMostNamed) {
      warnings.push_back(fmt::format("segment {:#x} contradicts itself: {}", segment.addr.value(), what));
    }
  }
  if (segments > kMostNamed)
    warnings.push_back(fmt::format("more segments that contradict themselves: {}", segments - kMostNamed));
  if (history.contradictions > 0) {
    const std::string where = history.first_contradiction < device.event_count
                                  ? fmt::format("entry {}", history.first_contradiction)
                                  : std::string("before the first entry");
    warnings.push_back(fmt::format(
        "{} not fit the others or the final segments (the first: {}): entries were left out, or other threads "
        "allocated "
        "while the snapshot was taken; figures between the ends are estimates",
        history.contradictions == 1 ? "1 trace entry does" : fmt::format("{} trace entries do", history.contradictions),
        where));
  } else if (curves.beyond_reserved != kNever) {
    warnings.push_back(fmt::format("after entry {} more is active than reserved: entries about segments were left out",
                                   curves.beyond_reserved));
  }
  uint64_t overlaps = 0;
  for (uint32_t s = 1; s < device.segment_count; ++s) {
    const trace::Segment& before = trace.segments[device.first_segment + s - 1];
    const trace::Segment& segment = trace.segments[device.first_segment + s];
    overlaps += before.addr + before.total > segment.addr ? 1 : 0;
  }
  if (overlaps > 0) warnings.push_back(fmt::format("segments that overlap the one before them: {}", overlaps));
  uint64_t outside = 0;
  for (const MemoryState* state : states) outside = std::max(outside, state->blocks_outside);
  if (outside > 0) {
    warnings.push_back(fmt::format(
        "active blocks that overlap others or lie in no segment: {}; they are not counted where segments are",
        outside));
  }
  return warnings;
}

}  // namespace unfrag::analyze
