#include "replay/setup.h"

#include <algorithm>

#include "replay/segment_map.h"

namespace unfrag::replay {
namespace {

using trace::Action;

bool is_gain(Action action) { return action == Action::kSegmentAlloc || action == Action::kSegmentMap; }

}  // namespace

alloc::Version recorded_version(const trace::Trace& trace) {
  if (!trace.dialect.known()) return alloc::kNewest;
  return {.major = trace.dialect.major, .minor = trace.dialect.minor};
}

alloc::Settings recorded_settings(const trace::Trace& trace) {
  alloc::Settings settings;
  // The file's values win below, so whether a release has the key matters to nobody here.
  if (trace.settings.conf) {
    if (const auto parsed = alloc::parse_settings(*trace.settings.conf, alloc::kNewest)) settings = *parsed;
  }
  if (trace.settings.expandable_segments) settings.expandable_segments = *trace.settings.expandable_segments;
  if (trace.settings.recorded()) {
    settings.max_split_size = trace.settings.max_split_size.value_or(alloc::kUnlimited);
    settings.rounding.divisions = trace.settings.roundup_power2_divisions;
  }
  if (trace.settings.garbage_collection_threshold) {
    settings.garbage_collection_threshold = *trace.settings.garbage_collection_threshold;
  }
  return settings;
}

Limits find_limits(const trace::Trace& trace, const trace::Device& device, const Card& card,
                   const alloc::Settings& settings, const alloc::Rules& rules) {
  Limits limits;
  if (card.memory) {
    limits.total = card.memory;
    limits.capacity = minus_or_zero(*card.memory, card.context.value_or(Bytes()));
    const auto fraction = card.fraction ? card.fraction : settings.memory_fraction;
    if (fraction) limits.limit = alloc::limit_of_fraction(*fraction, *card.memory, rules);
    return limits;
  }
  SegmentMap map = final_segments(trace, device);
  for (uint32_t i = device.event_count; i-- > 0;) play_backward(map, trace, size_t{device.first_event} + i);
  uint64_t reserved = 0;
  for (const auto& [addr, run] : map.runs()) reserved += run.size;
  uint64_t most = reserved;
  for (uint32_t i = 0; i < device.event_count; ++i) {
    const size_t row = size_t{device.first_event} + i;
    const Action action = trace.events.action[row];
    if (is_gain(action)) reserved += trace.events.size[row];
    if (action == Action::kSegmentFree || action == Action::kSegmentUnmap) reserved -= trace.events.size[row];
    most = std::max(most, reserved);
    if (action != Action::kOom || trace.events.addr[row] == trace::kNoDeviceFree) continue;
    const uint64_t device_free = trace.events.addr[row];
    const Bytes wanted = alloc::segment_size(Bytes(trace.events.size[row]), settings.large_segment_size);
    if (device_free < wanted.value()) {
      limits.capacity = Bytes(reserved + device_free);
    } else {
      limits.limit = Bytes(most);
    }
    break;
  }
  return limits;
}

Direction recorded_direction(const trace::Trace& trace, const trace::Device& device) {
  uint64_t before = 0;
  int64_t balance = 0;
  for (uint32_t i = 0; i < device.event_count; ++i) {
    const size_t row = size_t{device.first_event} + i;
    if (!is_gain(trace.events.action[row])) continue;
    const uint64_t addr = trace.events.addr[row];
    // Pages within one reservation always ascend: only leaps between segments tell.
    const bool plain = trace.events.action[row] == Action::kSegmentAlloc;
    if (before != 0 && plain) balance += addr > before ? 1 : -1;
    if (plain) before = addr;
  }
  return balance > 0 ? Direction::kUp : Direction::kDown;
}

}  // namespace unfrag::replay
