#include <fmt/format.h>

#include <array>

#include "analyze/checks.h"
#include "analyze/decide.h"
#include "analyze/explanation.h"
#include "analyze/failures.h"

namespace unfrag::analyze {
namespace {

Now sum_now(const trace::Trace& trace, const trace::Device& device) {
  Now now;
  now.segments = device.segment_count;
  for (uint32_t s = 0; s < device.segment_count; ++s) {
    const trace::Segment& segment = trace.segments[device.first_segment + s];
    now.usage.reserved += segment.total;
    for (uint32_t b = segment.first_block; b < segment.first_block + segment.block_count; ++b) {
      if (trace.blocks.state[b] == trace::BlockState::kInactive) continue;
      const Bytes size(trace.blocks.size[b]);
      now.usage.active += size;
      now.usage.requested += Bytes(trace.blocks.requested[b]);
      if (trace.blocks.state[b] == trace::BlockState::kAllocated) now.usage.allocated += size;
    }
  }
  return now;
}

Error no_such_moment(std::string what, std::string action) {
  return {ErrorKind::kUsage, "", std::move(what), std::move(action)};
}

/// Settles which moment the report is about: findings.at_kind and at_entry.
std::optional<Error> settle_moment(const Moment& at, DeviceFindings& findings) {
  findings.at_kind = at.kind;
  if (at.kind == Moment::kDefault) findings.at_kind = findings.ooms.empty() ? Moment::kEnd : Moment::kOom;
  switch (findings.at_kind) {
    case Moment::kOom:
      if (findings.ooms.empty()) {
        return no_such_moment("--at oom: the recording has no out-of-memory entry", "--at peak or --at end");
      }
      findings.at_entry = findings.ooms.back().entry;
      break;
    case Moment::kPeak: findings.at_entry = findings.events == 0 ? kNever : findings.curves.allocated.entry; break;
    case Moment::kEvent:
      if (at.event >= findings.events) {
        return no_such_moment(
            fmt::format("--at {}: device {} has {} trace entries", at.event, findings.index, findings.events),
            findings.events == 0 ? std::string("--at end") : fmt::format("a number from 0 to {}", findings.events - 1));
      }
      findings.at_entry = at.event;
      break;
    default: findings.at_entry = kNever; break;
  }
  return std::nullopt;
}

bool is_snapshots_own(const trace::Device& device, uint32_t entry) {
  const bool only_entries = device.segment_count == 0 && device.event_count > 0;
  return entry == kNever && !only_entries;
}

MemoryState state_at(const trace::Trace& trace, const trace::Device& device, const History& history, uint32_t entry) {
  if (is_snapshots_own(device, entry)) return final_state(trace, device);
  return state_after(trace, device, history, entry == kNever ? device.event_count - 1 : entry);
}

std::optional<replay::Settled> settle(const trace::Trace& trace, const trace::Device& device,
                                      const replay::ReadOptions& read, History& history) {
  if (device.kind != trace::DeviceKind::kGpu) return std::nullopt;
  return replay::settle_sizes(trace, device, read, history);
}

}  // namespace

MemoryState state_of(const trace::Trace& trace, const trace::Device& device, const DeviceFindings& findings,
                     const replay::ReadOptions& read) {
  if (is_snapshots_own(device, findings.at_entry)) return final_state(trace, device);
  History history = build_history(trace, device);
  settle(trace, device, read, history);
  return state_at(trace, device, history, findings.at_entry);
}

Result<DeviceFindings> examine(const trace::Trace& trace, const trace::Device& device, const UserCode& user_code,
                               StackRoles& roles, const ExamineOptions& options) {
  DeviceFindings findings;
  findings.kind = device.kind;
  findings.index = device.index;
  findings.events = device.event_count;
  History history = build_history(trace, device);
  findings.replayed = settle(trace, device, options.read, history);
  findings.complete = history.complete;
  findings.allocated_is_lower_bound = history.sizes_are_lower_bounds;
  findings.curves = measure_usage(trace, device, history, options.timeline_points);
  findings.ooms = find_failed_requests(trace, device);
  if (auto error = settle_moment(options.at, findings)) return *error;

  findings.now = sum_now(trace, device);
  if (device.segment_count == 0 && device.event_count > 0) findings.now.usage = findings.curves.at_end;

  const Kinds kinds(trace, device, history, roles);
  const auto marked_state_at = [&](uint32_t entry) {
    MemoryState state = state_at(trace, device, history, entry);
    kinds.mark(state);
    return state;
  };
  const MemoryState now = marked_state_at(kNever);
  const MemoryState at = marked_state_at(findings.at_entry);
  const MemoryState peak = marked_state_at(device.event_count == 0 ? kNever : findings.curves.allocated.entry);
  const auto last_failed = findings.ooms.empty() ? std::nullopt : std::optional<FailedRequest>(findings.ooms.back());
  findings.where = where_bytes_are(trace, device, history, at);
  findings.holes = measure_fragmentation(at, trace.settings, last_failed);
  const bool asked = options.at.kind != Moment::kDefault;
  findings.fragmentation = asked ? findings.holes : measure_fragmentation(now, trace.settings, last_failed);
  findings.growth =
      find_growth(trace, device, history, user_code, last_failed ? last_failed->entry : device.event_count);
  decide(trace, device, history, user_code, options, at, now, findings);
  findings.holders = find_holders(trace, user_code, options.grouping, now, at, peak);
  findings.kinds = sum_kinds(now, at, peak);
  findings.pinned = find_pinned_segments(at);
  findings.pinned_now = asked ? findings.pinned : find_pinned_segments(now);
  const std::array<const MemoryState*, 3> states = {&now, &at, &peak};
  findings.warnings = find_contradictions(trace, device, history, findings.curves, states);
  return findings;
}

}  // namespace unfrag::analyze
