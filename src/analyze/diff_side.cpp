#include "analyze/diff_side.h"

namespace unfrag::analyze {
namespace {

const trace::Device& device_of(const Explanation& e) {
  size_t gpus = 0;
  for (const trace::Device& device : e.trace->devices) {
    if (device.kind == trace::DeviceKind::kGpu && gpus++ == e.chosen) return device;
  }
  return e.trace->devices.front();
}

struct Counts {
  uint64_t ooms = 0;
  uint64_t obtained = 0;
  uint64_t returned = 0;
  uint64_t telling = 0;  // entries that say anything of memory
};

Counts count_entries(const trace::Trace& trace, const trace::Device& device) {
  Counts counts;
  for (uint32_t i = 0; i < device.event_count; ++i) {
    ++counts.telling;
    switch (trace.events.action[device.first_event + i]) {
      case trace::Action::kOom: ++counts.ooms; break;
      case trace::Action::kSegmentAlloc:
      case trace::Action::kSegmentMap: ++counts.obtained; break;
      case trace::Action::kSegmentFree:
      case trace::Action::kSegmentUnmap: ++counts.returned; break;
      case trace::Action::kSnapshot:
      case trace::Action::kAnnotate:
      case trace::Action::kUserDefined:
      case trace::Action::kUnknown: --counts.telling; break;
      default: break;
    }
  }
  return counts;
}

}  // namespace

DiffSide side_of(const Explanation& e) {
  const DeviceFindings& d = e.devices[e.chosen];
  DiffSide side{.label = e.path,
                .trace = e.trace.get(),
                .holders = d.holders,
                .device = d.index,
                .events = d.events,
                .complete = d.complete,
                .allocated_is_lower_bound = d.allocated_is_lower_bound,
                .warnings = e.trace->warnings};
  side.warnings.insert(side.warnings.end(), d.warnings.begin(), d.warnings.end());
  Metrics& metrics = side.metrics;
  at(metrics, Metric::kNowReserved) = d.now.usage.reserved.value();
  at(metrics, Metric::kNowActive) = d.now.usage.active.value();
  at(metrics, Metric::kNowAllocated) = d.now.usage.allocated.value();
  at(metrics, Metric::kNowRequested) = d.now.usage.requested.value();
  const Counts counts = count_entries(*e.trace, device_of(e));
  if (counts.telling == 0) return side;
  at(metrics, Metric::kPeakReserved) = d.curves.reserved.bytes.value();
  at(metrics, Metric::kPeakActive) = d.curves.active.bytes.value();
  at(metrics, Metric::kPeakAllocated) = d.curves.allocated.bytes.value();
  at(metrics, Metric::kPeakRequested) = d.curves.requested.bytes.value();
  at(metrics, Metric::kNumOoms) = counts.ooms;
  if (d.replayed && !d.replayed->releases_guessed) {
    at(metrics, Metric::kNumAllocRetries) = d.replayed->statistics.num_alloc_retries;
  }
  at(metrics, Metric::kNumDeviceAlloc) = counts.obtained;
  at(metrics, Metric::kNumDeviceFree) = counts.returned;
  return side;
}

}  // namespace unfrag::analyze
