#include "analyze/where.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "alloc/rounding.h"
#include "analyze/lives.h"

namespace unfrag::analyze {
namespace {

std::span<const PlacedBlock> blocks_of(const MemoryState& state, const PlacedSegment& segment) {
  return std::span(state.blocks).subspan(segment.first_block, segment.block_count);
}

// Unmapped again: ranges that a recorded unmap took out and no map put back, up to the moment.
Bytes unmapped_by(const trace::Trace& trace, const trace::Device& device, const History& history, uint32_t until) {
  SegmentMap unmapped;
  for (const uint32_t entry : history.segment_entries) {
    if (until == kBefore || (until != kNever && entry > until)) break;
    const size_t row = size_t{device.first_event} + entry;
    const trace::Action action = trace.events.action[row];
    if (action != trace::Action::kSegmentMap && action != trace::Action::kSegmentUnmap) continue;
    const Run run{.addr = trace.events.addr[row], .size = trace.events.size[row], .expandable = true};
    unmapped.remove(run.addr, run.size);
    if (action == trace::Action::kSegmentUnmap) unmapped.add(run);
  }
  Bytes sum;
  for (const auto& [addr, run] : unmapped.runs()) sum += Bytes(run.size);
  return sum;
}

bool may_use(const PlacedSegment& segment, const std::optional<FailedRequest>& request) {
  const Run& run = segment.run;
  if (!request) return run.stream == 0 && run.pool.is_default();
  const auto kind = request->rounded <= alloc::kSmallMax ? trace::PoolKind::kSmall : trace::PoolKind::kLarge;
  const bool same_kind = run.kind == kind || run.kind == trace::PoolKind::kUnknown;
  return run.stream == request->stream && run.pool == request->pool && same_kind;
}

// Whole pages strictly inside [begin, end), counted from the start of the run.
Bytes whole_pages(uint64_t begin, uint64_t end, uint64_t page) {
  const uint64_t first = (begin + page - 1) / page * page;
  const uint64_t last = end / page * page;
  return Bytes(last > first ? last - first : 0);
}

// empty_cache waits for other streams first, so pending blocks count as free; private pools stay as long as
// something refers to them, which a snapshot does not tell.
Bytes releasable_of(const MemoryState& state, const PlacedSegment& segment, const trace::Settings& settings) {
  const Run& run = segment.run;
  if (!run.pool.is_default()) return {};
  if (!run.expandable) return segment.active == segment.pending ? Bytes(run.size) : Bytes();
  const uint64_t page = page_size(settings, run.kind).value();
  Bytes sum;
  uint64_t reached = run.addr;
  for (const PlacedBlock& block : blocks_of(state, segment)) {
    if (block.pending) continue;
    sum += whole_pages(reached - run.addr, block.addr - run.addr, page);
    reached = block.addr + block.size;
  }
  return sum + whole_pages(reached - run.addr, run.size, page);
}

}  // namespace

Where where_bytes_are(const trace::Trace& trace, const trace::Device& device, const History& history,
                      const MemoryState& state) {
  Where where;
  std::map<std::tuple<trace::PoolId, int64_t, trace::PoolKind>, PoolUse> pools;
  for (const PlacedSegment& segment : state.segments) {
    const Run& run = segment.run;
    PoolUse& use = pools[{run.pool, run.stream, run.kind}];
    use.stream = run.stream;
    use.pool = run.pool;
    use.kind = run.kind;
    ++use.segments;
    use.reserved += Bytes(run.size);
    use.free += segment.free;
    use.pending += segment.pending;
    use.allocated += segment.active - segment.pending;
    use.largest_hole = std::max(use.largest_hole, segment.largest_hole);
    if (segment.block_count == 0) use.free_segments += segment.free;
    for (const PlacedBlock& block : blocks_of(state, segment)) {
      if (block.pending) {
        where.pending_requested += Bytes(block.requested);
        continue;
      }
      where.requested += Bytes(block.requested);
      where.rounding += Bytes(block.size - block.requested);
    }
  }
  for (const auto& [key, use] : pools) {
    where.reserved += use.reserved;
    where.pending += use.pending;
    where.free_segments += use.free_segments;
    where.free_in_segments += use.free - use.free_segments;
    where.pools.push_back(use);
  }
  where.outside = state.allocated_outside;
  where.unmapped = unmapped_by(trace, device, history, state.entry);
  return where;
}

Fragmentation measure_fragmentation(const MemoryState& state, const trace::Settings& settings,
                                    const std::optional<FailedRequest>& last_failed) {
  Fragmentation result;
  for (const PlacedSegment& segment : state.segments) {
    result.free += segment.free;
    result.largest_free = std::max(result.largest_free, segment.largest_hole);
    result.releasable += releasable_of(state, segment, settings);
    result.stranded += may_use(segment, last_failed) ? segment.pending : segment.free + segment.pending;
  }
  return result;
}

std::vector<PinnedSegment> find_pinned_segments(const MemoryState& state) {
  std::vector<PinnedSegment> pinned;
  for (const PlacedSegment& segment : state.segments) {
    if (segment.block_count == 0 || segment.free == Bytes()) continue;
    const auto blocks = blocks_of(state, segment);
    const auto largest = std::ranges::max_element(blocks, {}, &PlacedBlock::size);
    pinned.push_back({.run = segment.run,
                      .held = segment.active,
                      .free = segment.free,
                      .blocks = segment.block_count,
                      .largest = *largest});
  }
  std::ranges::sort(pinned, {}, [](const PinnedSegment& segment) {
    return std::pair(~segment.free.value(), segment.run.addr);  // most free first
  });
  return pinned;
}

}  // namespace unfrag::analyze
