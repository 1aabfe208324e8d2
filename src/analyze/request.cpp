#include "analyze/request.h"

#include <algorithm>

#include "alloc/rounding.h"
#include "analyze/lives.h"

namespace unfrag::analyze {
namespace {

Bytes whole_pages_for(Bytes bytes, Bytes page) {
  return Bytes((bytes.value() + page.value() - 1) / page.value() * page.value());
}

// Walks the holes of one run; with `pending_is_free` as if the blocks that wait for other streams were gone.
template <class Visit>
void for_each_hole(const MemoryState& state, const PlacedSegment& segment, bool pending_is_free, Visit visit) {
  uint64_t reached = segment.run.addr;
  for (uint32_t b = segment.first_block; b < segment.first_block + segment.block_count; ++b) {
    const PlacedBlock& block = state.blocks[b];
    if (pending_is_free && block.pending) continue;
    if (block.addr > reached) visit(Bytes(block.addr - reached));
    reached = block.addr + block.size;
  }
  if (segment.run.end() > reached) visit(Bytes(segment.run.end() - reached));
}

void add_usable(const MemoryState& state, const PlacedSegment& segment, const Request& request, Room& room) {
  room.usable_free += segment.free;
  room.pending += segment.pending;
  for_each_hole(state, segment, false, [&](Bytes hole) {
    room.usable_hole = std::max(room.usable_hole, hole);
    room.served = room.served || serves(hole, request);
  });
  for_each_hole(state, segment, true, [&](Bytes hole) {
    room.hole_after_pending = std::max(room.hole_after_pending, hole);
    room.served_after_pending = room.served_after_pending || serves(hole, request);
  });
  if (!segment.run.expandable) return;
  uint64_t active_end = segment.run.addr;
  if (segment.block_count > 0) {
    const PlacedBlock& last = state.blocks[segment.first_block + segment.block_count - 1];
    active_end = last.addr + last.size;
  }
  room.tail = std::max(room.tail, Bytes(segment.run.end() - active_end));
}

}  // namespace

Request make_request(Bytes rounded, int64_t stream, trace::PoolId pool, const trace::Settings& settings,
                     bool expandable_seen) {
  Request request;
  request.rounded = rounded;
  request.stream = stream;
  request.pool = pool;
  request.kind = rounded <= alloc::kSmallMax ? trace::PoolKind::kSmall : trace::PoolKind::kLarge;
  if (settings.expandable_segments.value_or(expandable_seen)) request.page = page_size(settings, request.kind);
  request.segment = alloc::segment_size(rounded, page_size(settings, trace::PoolKind::kLarge));
  request.driver = request.page != Bytes() ? whole_pages_for(rounded, request.page) : request.segment;
  request.max_split_size = settings.max_split_size;
  request.max_slack = max_slack(settings);
  return request;
}

bool any_expandable(const MemoryState& state) {
  return std::ranges::any_of(state.segments, [](const PlacedSegment& segment) { return segment.run.expandable; });
}

bool may_use(const Run& run, const Request& request) {
  if (run.expandable && request.page == Bytes()) return false;
  const bool same_kind = run.kind == request.kind || run.kind == trace::PoolKind::kUnknown;
  return run.stream == request.stream && run.pool == request.pool && same_kind;
}

bool serves(Bytes hole, const Request& request) {
  if (hole < request.rounded) return false;
  if (!request.max_split_size) return true;
  if (request.rounded < *request.max_split_size) return hole < *request.max_split_size;
  return hole < request.rounded + request.max_slack;
}

Room measure_room(const MemoryState& state, const Request& request) {
  Room room;
  for (const PlacedSegment& segment : state.segments) {
    const Run& run = segment.run;
    if (may_use(run, request)) {
      add_usable(state, segment, request, room);
    } else if (run.stream != request.stream || run.pool != request.pool) {
      room.elsewhere_free += segment.free;
      room.elsewhere_hole = std::max(room.elsewhere_hole, segment.largest_hole);
    }
  }
  return room;
}

Bytes asked_of_driver(const Request& request, const Room& room) {
  if (request.page == Bytes()) return request.driver;
  return whole_pages_for(minus_or_zero(request.rounded, room.tail), request.page);
}

}  // namespace unfrag::analyze
