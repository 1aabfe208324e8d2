#include "analyze/failures.h"

#include <algorithm>

#include "analyze/without_growth.h"

namespace unfrag::analyze {
namespace {

constexpr size_t kStatesAtOnce = 8;  // states are large: a pass over the lives makes so many

// The most bytes reserved until each of the failed requests.
std::vector<Bytes> most_reserved_until(const trace::Trace& trace, const trace::Device& device, const History& history,
                                       std::span<const FailedRequest> failed) {
  Bytes reserved;
  for (const auto& [addr, run] : history.initial_segments.runs()) reserved += Bytes(run.size);
  Bytes most = reserved;
  std::vector<Bytes> result;
  result.reserve(failed.size());
  auto next = history.segment_entries.begin();
  for (const FailedRequest& request : failed) {
    for (; next != history.segment_entries.end() && *next < request.entry; ++next) {
      const size_t row = size_t{device.first_event} + *next;
      const Bytes size(trace.events.size[row]);
      const trace::Action action = trace.events.action[row];
      const bool grows = action == trace::Action::kSegmentAlloc || action == trace::Action::kSegmentMap;
      reserved = grows ? reserved + size : minus_or_zero(reserved, size);
      most = std::max(most, reserved);
    }
    result.push_back(most);
  }
  return result;
}

std::optional<Bytes> device_free_of(uint64_t recorded) {
  return recorded == trace::kNoDeviceFree ? std::nullopt : std::optional(Bytes(recorded));
}

}  // namespace

std::vector<FailedRequest> find_failed_requests(const trace::Trace& trace, const trace::Device& device) {
  std::vector<FailedRequest> failed;
  for (uint32_t entry = 0; entry < device.event_count; ++entry) {
    const size_t row = size_t{device.first_event} + entry;
    if (trace.events.action[row] != trace::Action::kOom) continue;
    const trace::EventContext& context = trace.context_of(row);
    failed.push_back({.entry = entry,
                      .rounded = Bytes(trace.events.size[row]),
                      .device_free = device_free_of(trace.events.addr[row]),
                      .stream = context.stream,
                      .pool = context.pool,
                      .has_pool = context.has_pool,
                      .stack = trace.events.stack[row]});
  }
  return failed;
}

std::vector<Verdict> judge_failed_requests(const trace::Trace& trace, const trace::Device& device,
                                           const History& history, std::span<const FailedRequest> failed,
                                           const Card& card, const UserCode& user_code, const Growth& growth) {
  const std::vector<Bytes> most_reserved = most_reserved_until(trace, device, history, failed);
  std::vector<Verdict> verdicts;
  verdicts.reserve(failed.size());
  for (size_t first = 0; first < failed.size(); first += kStatesAtOnce) {
    const auto some = failed.subspan(first, std::min(kStatesAtOnce, failed.size() - first));
    std::vector<uint32_t> entries;
    entries.reserve(some.size());
    for (const FailedRequest& request : some) entries.push_back(request.entry);
    const std::vector<MemoryState> states = states_after(trace, device, history, entries);
    for (size_t i = 0; i < some.size(); ++i) {
      const Where where = where_bytes_are(trace, device, history, states[i]);
      const Fragmentation holes = measure_fragmentation(states[i], trace.settings, some[i]);
      const Request request =
          make_request(some[i].rounded, some[i].stream, some[i].pool, trace.settings, any_expandable(states[i]));
      const Allowance allowance = allowance_at({.reserved = where.reserved,
                                                .most_reserved = most_reserved[first + i],
                                                .device_free = some[i].device_free,
                                                .segment = request.segment,
                                                .driver = request.driver},
                                               card);
      Situation situation{.state = states[i], .where = where, .holes = holes};
      if (first + i + 1 == failed.size()) {
        situation.rise = growth.rise;
        situation.served_without_rise =
            served_without_growth(states[i], history, user_code, growth, request, allowance.device_free);
      }
      verdicts.push_back(judge_failed(situation, request, allowance));
    }
  }
  return verdicts;
}

}  // namespace unfrag::analyze
