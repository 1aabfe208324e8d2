#include "app/rehearse_figures.h"

#include <algorithm>

#include "analyze/usage.h"

namespace unfrag::app {
namespace {

using trace::Action;

/// Each call to the device that was answered is an entry, and so is each request that failed.
void count_calls(const trace::Trace& log, const trace::Device& device, const replay::History& history,
                 alloc::Statistics& statistics) {
  statistics.num_ooms = history.oom_entries.size();
  for (const uint32_t entry : history.segment_entries) {
    const Action action = log.events.action[size_t{device.first_event} + entry];
    const bool obtains = action == Action::kSegmentAlloc || action == Action::kSegmentMap;
    ++(obtains ? statistics.num_device_alloc : statistics.num_device_free);
    if (action == Action::kSegmentAlloc) ++statistics.segments;
    if (action == Action::kSegmentFree && statistics.segments > 0) --statistics.segments;
    statistics.segment_peak = std::max(statistics.segment_peak, statistics.segments);
  }
}

alloc::Gauge gauge(Bytes at_end, const analyze::Peak& peak) { return {.current = at_end, .peak = peak.bytes}; }

alloc::Statistics told_by_entries(const trace::Trace& log, const trace::Device& device,
                                  const replay::History& history) {
  const analyze::UsageCurves curves = analyze::measure_usage(log, device, history, 1);
  alloc::Statistics statistics{.allocated = gauge(curves.at_end.allocated, curves.allocated),
                               .active = gauge(curves.at_end.active, curves.active),
                               .requested = gauge(curves.at_end.requested, curves.requested),
                               .reserved = gauge(curves.at_end.reserved, curves.reserved)};
  count_calls(log, device, history, statistics);
  return statistics;
}

}  // namespace

report::Figures find_figures(const trace::Trace& log, const trace::Device& device, const replay::ReadOptions& read,
                             const replay::Recorded& recorded, replay::History& history) {
  report::Figures figures{.statistics = recorded.reading.statistics};
  if (recorded.exact()) return figures;
  const auto& divergence = recorded.reading.divergence;
  figures.first_difference = divergence ? divergence->entry : history.first_contradiction;
  replay::settle_sizes(log, device, read, history);
  figures.statistics = told_by_entries(log, device, history);
  return figures;
}

}  // namespace unfrag::app
