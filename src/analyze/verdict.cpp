#include "analyze/verdict.h"

#include <algorithm>
#include <array>

namespace unfrag::analyze {
namespace {

Bytes share_of(Bytes whole, uint64_t percent) {
  return Bytes(whole.value() / 100 * percent + whole.value() % 100 * percent / 100);
}

Evidence gather(const Situation& situation) {
  Evidence evidence;
  evidence.reserved = situation.where.reserved;
  evidence.active = situation.where.active() + situation.where.outside;
  evidence.free_segments = situation.where.free_segments;
  evidence.free_in_segments = situation.where.free_in_segments;
  evidence.releasable = situation.holes.releasable;
  evidence.rise = situation.rise;
  evidence.served_without_rise = situation.served_without_rise;
  return evidence;
}

Evidence gather(const Situation& situation, const Request& request, const Allowance& allowance) {
  Evidence evidence = gather(situation);
  evidence.request = request;
  evidence.allowance = allowance;
  evidence.room = measure_room(situation.state, request);
  evidence.asked = asked_of_driver(request, *evidence.room);
  evidence.need = evidence.active + request.rounded;
  if (allowance.may) evidence.spare = static_cast<int64_t>(allowance.may->value() - evidence.need->value());
  return evidence;
}

bool is_outside(const Evidence& e) {
  const Bytes others = e.allowance.outside.value_or(Bytes());
  return others != Bytes() && e.asked <= e.allowance.device_free + others;
}

// Had the rise never been allocated, the driver would have had it; or the holes it leaves serve the request.
bool is_growth(const Evidence& e) {
  return e.rise != Bytes() && (e.served_without_rise || e.asked <= e.allowance.device_free + e.rise);
}

bool is_capacity(const Evidence& e) {
  if (!e.spare) return false;
  return *e.spare < 0 || Bytes(static_cast<uint64_t>(*e.spare)) < capacity_below(*e.allowance.may);
}

bool is_stranded(const Evidence& e) {
  const Room& room = *e.room;
  const Bytes elsewhere = room.elsewhere_free + room.pending;
  return serves(room.elsewhere_hole, *e.request) || room.served_after_pending || elsewhere >= e.request->rounded;
}

// Bytes enough: what is free, here or elsewhere, and at the driver.
bool is_fragmentation(const Evidence& e) { return !e.spare || *e.spare >= 0; }

Verdict first_that_holds(const Evidence& evidence) {
  Verdict verdict;
  const std::array<std::pair<VerdictKind, bool>, 6> all = {{
      {VerdictKind::kLimit, evidence.allowance.limited},
      {VerdictKind::kOutside, is_outside(evidence)},
      {VerdictKind::kGrowth, is_growth(evidence)},
      {VerdictKind::kCapacity, is_capacity(evidence)},
      {VerdictKind::kStranded, is_stranded(evidence)},
      {VerdictKind::kFragmentation, is_fragmentation(evidence)},
  }};
  for (const auto& [kind, holds] : all) {
    if (!holds) continue;
    if (verdict.kind == VerdictKind::kUndecided) {
      verdict.kind = kind;
    } else {
      verdict.also.push_back(kind);
    }
  }
  verdict.evidence = evidence;
  return verdict;
}

Verdict undecided(const Evidence& evidence, Doubt doubt) {
  Verdict verdict;
  verdict.doubt = doubt;
  verdict.evidence = evidence;
  return verdict;
}

// More contradicts itself than lies between the verdicts.
bool contradicts(const Situation& situation, const Allowance& allowance) {
  const Bytes whole = allowance.may.value_or(situation.where.reserved);
  return situation.where.outside > share_of(whole, kCapacityPercent);
}

}  // namespace

std::string_view verdict_name(VerdictKind kind) {
  constexpr std::array<std::string_view, 9> kNames = {"limit",         "outside", "growth",  "capacity", "stranded",
                                                      "fragmentation", "cache",   "healthy", "undecided"};
  return kNames[static_cast<size_t>(kind)];
}

Bytes capacity_below(Bytes may) { return share_of(may, kCapacityPercent); }

Verdict judge_failed(const Situation& situation, const Request& request, const Allowance& allowance) {
  const Evidence evidence = gather(situation, request, allowance);
  if (contradicts(situation, allowance)) return undecided(evidence, Doubt::kContradiction);
  if (!allowance.may) return undecided(evidence, Doubt::kNoCapacity);
  if (evidence.room->served) return undecided(evidence, Doubt::kHoleThatServes);
  return first_that_holds(evidence);
}

Verdict judge_wanted(const Situation& situation, const Request& request, const Allowance& allowance) {
  const Evidence evidence = gather(situation, request, allowance);
  if (contradicts(situation, allowance)) return undecided(evidence, Doubt::kContradiction);
  Verdict verdict;
  verdict.kind = VerdictKind::kHealthy;
  const auto fits = [&](Bytes reserved, Bytes asked) {
    const bool below_limit = !allowance.limit || reserved + request.segment <= *allowance.limit;
    const bool in_device = reserved + asked <= evidence.reserved + allowance.device_free;
    return below_limit && in_device && (allowance.limit || reserved + asked <= *allowance.may);
  };
  const Bytes kept = minus_or_zero(evidence.reserved, evidence.releasable);
  if (evidence.room->served) {
    verdict.served = Served::kFromHole;
  } else if (!allowance.may) {
    return undecided(evidence, Doubt::kNoCapacity);
  } else if (fits(evidence.reserved, evidence.asked)) {
    verdict.served = Served::kFromDriver;
  } else if (fits(kept, request.driver)) {  // a tail that goes back is missing then
    verdict.served = Served::kAfterRelease;
  } else {
    return first_that_holds(evidence);
  }
  verdict.evidence = evidence;
  return verdict;
}

Verdict judge_state(const Situation& situation) {
  Verdict verdict;
  verdict.evidence = gather(situation);
  const Evidence& e = verdict.evidence;
  const auto much = [&](Bytes free) { return free > kFreeBytes && free > share_of(e.reserved, kFreePercent); };
  const std::array<std::pair<VerdictKind, bool>, 4> all = {{{VerdictKind::kGrowth, e.rise != Bytes()},
                                                            {VerdictKind::kCache, much(e.free_segments)},
                                                            {VerdictKind::kFragmentation, much(e.free_in_segments)},
                                                            {VerdictKind::kHealthy, true}}};
  for (const auto& [kind, holds] : all) {
    if (!holds) continue;
    if (verdict.kind == VerdictKind::kUndecided) {
      verdict.kind = kind;
    } else if (kind != VerdictKind::kHealthy) {
      verdict.also.push_back(kind);
    }
  }
  return verdict;
}

}  // namespace unfrag::analyze
