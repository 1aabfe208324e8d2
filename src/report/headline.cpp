#include "report/headline.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/page.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Doubt;
using analyze::Evidence;
using analyze::FailedRequest;
using analyze::Served;
using analyze::Verdict;
using analyze::VerdictKind;

std::string size(Bytes bytes) { return format_bytes(bytes); }

Bytes left(const Evidence& e) { return Bytes(static_cast<uint64_t>(std::max<int64_t>(0, e.spare.value_or(0)))); }

// "4.1 %", and never a share that rounding made another one.
std::string percent(Bytes part, Bytes whole) {
  if (whole == Bytes()) return "0 %";
  return fmt::format("{:.1f} %", 100.0 * static_cast<double>(part.value()) / static_cast<double>(whole.value()));
}

// ---- why a request fails: what follows "Device 0 ran out of memory" or "400.00 MiB would not fit" ----

std::string why_limit(const Evidence& e) {
  return fmt::format(
      "because of a limit: {} were requested and the device had {} left, but the process may have no more than {}",
      size(e.request->rounded), size(e.allowance.device_free), size(*e.allowance.may));
}

std::string why_outside(const Evidence& e) {
  return fmt::format(
      "because of memory that is not PyTorch's: {} were requested, the driver had {} left, and others hold {} beyond "
      "this process's own context",
      size(e.request->rounded), size(e.allowance.device_free), size(e.allowance.outside.value_or(Bytes())));
}

// "train.py:38 train and 2 more lines hold 44.50 MiB more than 30 iterations before"
std::string what_grows(const Names& names, const DeviceFindings& d) {
  const auto& suspects = d.growth.suspects;
  if (suspects.empty()) return fmt::format("what the same lines hold has risen by {}", size(d.growth.rise));
  std::string lines = names.place(suspects.front().stack);
  if (suspects.size() > 1) lines += fmt::format(" and {}", plural(suspects.size() - 1, "more line"));
  return fmt::format("{} {} {} more than {} before", lines, suspects.size() > 1 ? "hold" : "holds", size(d.growth.rise),
                     plural(suspects.front().iterations - 1, "iteration"));
}

std::string why_growth(const Names& names, const DeviceFindings& d, const Evidence& e) {
  return fmt::format("through growth: {} were requested, the driver had {} left, and {}", size(e.request->rounded),
                     size(e.allowance.device_free), what_grows(names, d));
}

std::string why_capacity(const Evidence& e) {
  const std::string asked =
      fmt::format("for want of capacity: {} were requested with {} in use, and the process may have {}",
                  size(e.request->rounded), size(e.active), size(*e.allowance.may));
  if (*e.spare < 0) return fmt::format("{}: {} too little", asked, size(Bytes(static_cast<uint64_t>(-*e.spare))));
  return fmt::format("{}; without a single hole {} would be left", asked, size(left(e)));
}

std::string why_stranded(const Evidence& e) {
  const analyze::Room& room = *e.room;
  const std::string asked =
      fmt::format("with enough free in the wrong place: {} were requested, and the largest hole they may use is {}",
                  size(e.request->rounded), size(room.usable_hole));
  if (room.served_after_pending) {
    return fmt::format("{}, but {} wait for another stream and would open a hole of {}", asked, size(room.pending),
                       size(room.hole_after_pending));
  }
  return fmt::format("{}, but {} lie free in the pools of other streams and in private pools, {} of them in one hole",
                     asked, size(room.elsewhere_free), size(room.elsewhere_hole));
}

std::string why_fragmentation(const Evidence& e) {
  std::string said = fmt::format("through fragmentation: {} were requested, {} of the {} reserved lie free",
                                 size(e.request->rounded), size(minus_or_zero(e.reserved, e.active)), size(e.reserved));
  if (e.allowance.device_free != Bytes()) {
    said += fmt::format(" and the driver had {} left", size(e.allowance.device_free));
  }
  if (e.room->usable_hole >= e.request->rounded) {
    said += fmt::format(", but max_split_size_mb keeps the holes that are large enough, up to {}, for other sizes",
                        size(e.room->usable_hole));
  } else {
    said += fmt::format(", but the largest hole is {}", size(e.room->usable_hole));
  }
  if (e.spare) said += fmt::format("; in one piece {} would have been left over", size(left(e)));
  return said;
}

std::string why_undecided(const Verdict& verdict) {
  const Evidence& e = verdict.evidence;
  switch (verdict.doubt) {
    case Doubt::kNoCapacity:
      return fmt::format("cannot be told: no hole of {} is free, and how much this process may have is not known",
                         size(e.request->rounded));
    case Doubt::kHoleThatServes:
      return fmt::format(
          "for a reason that the recording does not show: {} were requested, and a hole of {} should have served them",
          size(e.request->rounded), size(e.room->usable_hole));
    case Doubt::kContradiction: return "for a reason that cannot be told: the recording contradicts itself by too much";
    case Doubt::kTooManyRequests:
    case Doubt::kNone: break;
  }
  return "and is not judged: only the last of so many are";
}

std::string why(const Names& names, const DeviceFindings& d, const Verdict& verdict) {
  const Evidence& e = verdict.evidence;
  switch (verdict.kind) {
    case VerdictKind::kLimit: return why_limit(e);
    case VerdictKind::kOutside: return why_outside(e);
    case VerdictKind::kGrowth: return why_growth(names, d, e);
    case VerdictKind::kCapacity: return why_capacity(e);
    case VerdictKind::kStranded: return why_stranded(e);
    case VerdictKind::kFragmentation: return why_fragmentation(e);
    default: return why_undecided(verdict);
  }
}

// ---- a request that somebody might make ----

std::string of_wanted(const Names& names, const DeviceFindings& d, const Verdict& verdict) {
  const Evidence& e = verdict.evidence;
  const std::string what = size(e.request->rounded);
  switch (verdict.served) {
    case Served::kFromHole:
      return fmt::format(
          "A request of {} would be served from memory that is already reserved: the largest hole is {}.", what,
          size(e.room->usable_hole));
    case Served::kFromDriver:
      return fmt::format("A request of {} would be served: {} asked of the driver, which has {} left.", what,
                         size(e.asked), size(e.allowance.device_free));
    case Served::kAfterRelease:
      return fmt::format(
          "A request of {} would be served after PyTorch gives back {} it keeps free: the driver has {} left.", what,
          size(e.releasable), size(e.allowance.device_free));
    case Served::kNot: break;
  }
  if (verdict.doubt == Doubt::kNoCapacity)
    return fmt::format("Whether a request of {} fits {}.", what, why(names, d, verdict));
  return fmt::format("A request of {} would fail {}.", what, why(names, d, verdict));
}

// ---- a state ----

std::string of_state(const Names& names, const DeviceFindings& d, const Verdict& verdict) {
  const Evidence& e = verdict.evidence;
  const std::string who = Names::device(d);
  const bool host = d.kind == trace::DeviceKind::kHost;
  const std::string holds = fmt::format("{} of the {} reserved are in use", size(e.active), size(e.reserved));
  switch (verdict.kind) {
    case VerdictKind::kGrowth: return fmt::format("{} grows: {}; {}.", who, what_grows(names, d), holds);
    case VerdictKind::kCache:
      return fmt::format("{} keeps {} ({}) in wholly free segments: {}.", who, size(e.free_segments),
                         percent(e.free_segments, e.reserved), holds);
    case VerdictKind::kFragmentation:
      return fmt::format("{} is fragmented: {} ({}) lie free in segments that are also in use; {}.", who,
                         size(e.free_in_segments), percent(e.free_in_segments, e.reserved), holds);
    default: break;
  }
  return fmt::format("{} is healthy: {}{}.", who, holds, host ? "" : ", and no request failed in this recording");
}

}  // namespace

std::string headline(const Names& names, const DeviceFindings& d, const Verdict& verdict,
                     const FailedRequest* request) {
  if (request != nullptr) {
    std::string who = fmt::format("{} ran out of memory", Names::device(d));
    if (d.ooms.size() > 1 && request == &d.ooms.back()) {
      who += fmt::format(" {} times, last", d.ooms.size());
    }
    return fmt::format("{} at entry {} {}.", who, format_count(request->entry), why(names, d, verdict));
  }
  return verdict.evidence.request ? of_wanted(names, d, verdict) : of_state(names, d, verdict);
}

std::string advice(const Verdict& verdict, const trace::Dialect& dialect) {
  const Evidence& e = verdict.evidence;
  switch (verdict.doubt) {
    case Doubt::kNoCapacity:
      return "Say how much it may have: --memory 24GiB (and --context, --fraction); an out-of-memory entry in the "
             "recording tells it too.";
    case Doubt::kHoleThatServes:
      return "Either the hole opened only while the request was failing (a second try would work), or settings or "
             "sizes are not in this file: record from the start of the process.";
    case Doubt::kContradiction: return "Record again, from the start of the process and with a larger max_entries.";
    default: break;
  }
  switch (verdict.kind) {
    case analyze::VerdictKind::kLimit:
      return "Raise torch.cuda.set_per_process_memory_fraction (or per_process_memory_fraction), or need less.";
    case analyze::VerdictKind::kOutside: return "See who else is on the device: nvidia-smi.";
    case analyze::VerdictKind::kGrowth: return "Let go of what grows; see below which lines keep it.";
    case analyze::VerdictKind::kCapacity:
      return "No allocator setting helps: the program needs less (batch, precision, checkpointing) or a larger device.";
    case analyze::VerdictKind::kStranded:
      return "Free memory serves only the stream and pool it came from: allocate both on the same, or let whole "
             "segments "
             "there become free and call torch.cuda.empty_cache().";
    case analyze::VerdictKind::kFragmentation:
      if (!e.request) return "Only blocks in use keep these segments; see below which.";
      if (e.room->usable_hole >= e.request->rounded) return "Raise max_split_size_mb, or leave it out.";
      if (e.request->page != Bytes()) return "";
      return fmt::format("Segments that grow page by page often avoid this: {}=expandable_segments:True.",
                         conf_variable(dialect));
    case analyze::VerdictKind::kCache:
      return fmt::format(
          "torch.cuda.empty_cache() would give {} back to the driver, for others; PyTorch itself would "
          "not get more.",
          format_bytes(e.releasable));
    default: return "";
  }
}

}  // namespace unfrag::report
