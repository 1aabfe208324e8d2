#include "replay/segment_map.h"

#include <iterator>

#include "alloc/rounding.h"
#include "replay/segment_sizes.h"

namespace unfrag::replay {
namespace {

using trace::Action;

bool belong_together(const Run& a, const Run& b) {
  return a.expandable && b.expandable && a.stream == b.stream && a.kind == b.kind && a.pool == b.pool;
}

}  // namespace

void SegmentMap::add(const Run& added) {
  Run run = added;
  auto next = runs_.lower_bound(run.addr);
  if (next != runs_.begin()) {
    const auto before = std::prev(next);
    if (before->second.end() == run.addr && belong_together(before->second, run)) {
      run.addr = before->second.addr;
      run.size += before->second.size;
      runs_.erase(before);
    }
  }
  if (next != runs_.end() && next->second.addr == run.end() && belong_together(next->second, run)) {
    run.size += next->second.size;
    runs_.erase(next);
  }
  runs_[run.addr] = run;
}

bool SegmentMap::remove(uint64_t addr, uint64_t size) {
  const uint64_t end = addr + size;
  uint64_t found = 0;
  auto it = runs_.upper_bound(addr);
  if (it != runs_.begin()) --it;
  while (it != runs_.end() && it->second.addr < end) {
    const Run run = it->second;
    if (run.end() <= addr) {
      ++it;
      continue;
    }
    it = runs_.erase(it);
    const uint64_t cut_begin = run.addr > addr ? run.addr : addr;
    const uint64_t cut_end = run.end() < end ? run.end() : end;
    found += cut_end - cut_begin;
    Run left = run;
    left.size = cut_begin - run.addr;
    if (left.size > 0) runs_[left.addr] = left;
    Run right = run;
    right.addr = cut_end;
    right.size = run.end() - cut_end;
    if (right.size > 0) it = runs_.emplace(right.addr, right).first;
  }
  return found == size;
}

const Run* SegmentMap::find(uint64_t addr) const {
  auto it = runs_.upper_bound(addr);
  if (it == runs_.begin()) return nullptr;
  --it;
  return addr < it->second.end() ? &it->second : nullptr;
}

// A file says which pool a segment belongs to only while it exists. Gone, its size tells: a plain segment of 2 MiB
// is always of the small pool, any other never; pages of a small pool are 2 MiB, of a large one 20 MiB.
Run run_of_event(const trace::Trace& trace, size_t event, const SegmentMap& neighbours) {
  const trace::EventContext& context = trace.context_of(event);
  Run run{.addr = trace.events.addr[event],
          .size = trace.events.size[event],
          .stream = context.stream,
          .kind = trace::PoolKind::kLarge,
          .pool = context.pool,
          .expandable = false};
  const Action action = trace.events.action[event];
  run.expandable = action == Action::kSegmentMap || action == Action::kSegmentUnmap;
  if (!run.expandable) {
    if (run.size == alloc::kSmallSegment.value()) run.kind = trace::PoolKind::kSmall;
    return run;
  }
  const Run* before = run.addr == 0 ? nullptr : neighbours.find(run.addr - 1);
  const Run* after = neighbours.find(run.end());
  for (const Run* neighbour : {before, after}) {
    if (neighbour == nullptr || !neighbour->expandable || neighbour->stream != run.stream) continue;
    run.kind = neighbour->kind;
    run.pool = neighbour->pool;
    return run;
  }
  if (run.size % page_size(trace.settings, trace::PoolKind::kLarge).value() != 0) run.kind = trace::PoolKind::kSmall;
  return run;
}

bool play_forward(SegmentMap& map, const trace::Trace& trace, size_t event, const std::optional<Run>& known) {
  const Action action = trace.events.action[event];
  if (action == Action::kSegmentAlloc || action == Action::kSegmentMap) {
    Run run = run_of_event(trace, event, map);
    if (known) {
      run.kind = known->kind;
      run.pool = known->pool;
    }
    const bool was_free = map.find(run.addr) == nullptr;
    if (!was_free) map.remove(run.addr, run.size);
    map.add(run);
    return was_free;
  }
  if (action == Action::kSegmentFree || action == Action::kSegmentUnmap) {
    return map.remove(trace.events.addr[event], trace.events.size[event]);
  }
  return true;
}

bool play_backward(SegmentMap& map, const trace::Trace& trace, size_t event) {
  const Action action = trace.events.action[event];
  if (action == Action::kSegmentFree || action == Action::kSegmentUnmap) {
    const Run run = run_of_event(trace, event, map);
    const bool was_free = map.find(run.addr) == nullptr;
    if (!was_free) map.remove(run.addr, run.size);
    map.add(run);
    return was_free;
  }
  if (action == Action::kSegmentAlloc || action == Action::kSegmentMap) {
    return map.remove(trace.events.addr[event], trace.events.size[event]);
  }
  return true;
}

SegmentMap final_segments(const trace::Trace& trace, const trace::Device& device) {
  SegmentMap map;
  for (uint32_t i = 0; i < device.segment_count; ++i) {
    const trace::Segment& segment = trace.segments[device.first_segment + i];
    map.add({.addr = segment.addr.value(),
             .size = segment.total.value(),
             .stream = segment.stream,
             .kind = segment.kind,
             .pool = segment.pool,
             .expandable = segment.expandable});
  }
  return map;
}

}  // namespace unfrag::replay
