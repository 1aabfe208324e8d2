#include "analyze/decide.h"

#include <algorithm>

#include "alloc/rounding.h"
#include "analyze/failures.h"
#include "analyze/without_growth.h"

namespace unfrag::analyze {
namespace {

constexpr size_t kMostOpenings = 5;

// The verdict of a request that `state` would have to serve.
Verdict judge_want(const trace::Trace& trace, const History& history, const UserCode& user_code,
                   const ExamineOptions& options, const MemoryState& state, const DeviceFindings& findings,
                   const std::optional<Allowance>& first_failure) {
  const Bytes rounded = alloc::round_size(*options.want, {trace.settings.roundup_power2_divisions});
  const Request request = make_request(rounded, options.want_stream, {}, trace.settings, any_expandable(state));
  const Allowance allowance = allowance_for(findings.where.reserved, request, options.read.card, first_failure);
  const bool served_without_rise =
      served_without_growth(state, history, user_code, findings.growth, request, allowance.device_free);
  return judge_wanted({.state = state,
                       .where = findings.where,
                       .holes = findings.holes,
                       .rise = findings.growth.rise,
                       .served_without_rise = served_without_rise},
                      request, allowance);
}

void find_blockers(const MemoryState& state, DeviceFindings& findings) {
  const Evidence& evidence = findings.verdict.evidence;
  const bool odd = findings.verdict.doubt == Doubt::kHoleThatServes || findings.verdict.doubt == Doubt::kContradiction;
  if (!evidence.request || findings.verdict.served != Served::kNot || odd) return;
  findings.openings = find_openings(state, *evidence.request, kMostOpenings);
  // While a graph is captured or a private pool is open nothing goes back to the driver.
  if (evidence.request->page != Bytes() || !evidence.request->pool.is_default() || !evidence.allowance.may) return;
  const Bytes left = minus_or_zero(*evidence.allowance.may, evidence.reserved);
  findings.emptying =
      find_emptying(state, minus_or_zero(evidence.asked, std::min(left, evidence.allowance.device_free)));
}

}  // namespace

void decide(const trace::Trace& trace, const trace::Device& device, const History& history, const UserCode& user_code,
            const ExamineOptions& options, const MemoryState& at, const MemoryState& now, DeviceFindings& findings) {
  const std::span<const FailedRequest> ooms = findings.ooms;
  findings.oom_verdicts = judge_failed_requests(trace, device, history, ooms.last(std::min(ooms.size(), kMostJudged)),
                                                options.read.card, user_code, findings.growth);
  if (options.want) {
    std::optional<Allowance> first;
    if (!ooms.empty()) {
      first = judge_failed_requests(trace, device, history, ooms.first(1), options.read.card, user_code, {})
                  .front()
                  .evidence.allowance;
    }
    findings.wanted = true;
    findings.verdict = judge_want(trace, history, user_code, options, at, findings, first);
    find_blockers(at, findings);
  } else if (!ooms.empty()) {
    findings.verdict = findings.oom_verdicts.back();
    const uint32_t entry = ooms.back().entry;
    find_blockers(at.entry == entry ? at : state_after(trace, device, history, entry), findings);
  } else {
    const Where where = where_bytes_are(trace, device, history, now);
    const Fragmentation holes = measure_fragmentation(now, trace.settings, {});
    findings.verdict = judge_state({.state = now, .where = where, .holes = holes, .rise = findings.growth.rise});
  }
}

const FailedRequest* judged_request(const DeviceFindings& findings) {
  return findings.wanted || findings.ooms.empty() ? nullptr : &findings.ooms.back();
}

Verdict verdict_of(const DeviceFindings& findings, size_t oom) {
  const size_t judged_from = findings.ooms.size() - findings.oom_verdicts.size();
  if (oom >= judged_from) return findings.oom_verdicts[oom - judged_from];
  Verdict verdict;
  verdict.doubt = Doubt::kTooManyRequests;
  return verdict;
}

}  // namespace unfrag::analyze
