// Any bytes as a snapshot, examined: no crash, no hang, and figures that add up for every device and moment.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "analyze/explanation.h"
#include "ingest/snapshot_reader.h"

namespace unfrag::analyze {
namespace {

constexpr Bytes kMaxUnpacked = 256_KiB;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check_where(const Where& where) {
  require(
      where.requested + where.rounding + where.pending + where.free_in_segments + where.free_segments == where.reserved,
      "the parts add up to the reserved bytes");
  Bytes reserved, allocated, pending, free, free_segments;
  for (const PoolUse& use : where.pools) {
    require(use.allocated + use.pending + use.free == use.reserved, "the parts of a pool add up");
    require(use.largest_hole <= use.free && use.free_segments <= use.free, "parts of free bytes are no more than all");
    reserved += use.reserved;
    allocated += use.allocated;
    pending += use.pending;
    free += use.free;
    free_segments += use.free_segments;
  }
  require(reserved == where.reserved && allocated == where.allocated() && pending == where.pending &&
              free == where.free_in_segments + where.free_segments && free_segments == where.free_segments,
          "the pools add up to the total");
}

void check_fragmentation(const Fragmentation& holes, const Where& where) {
  require(holes.free == where.free_in_segments + where.free_segments, "the holes are the free bytes");
  require(holes.largest_free <= holes.free, "the largest hole is one of the holes");
  require(holes.stranded <= holes.free + where.pending, "what is stranded is free or pending");
  require(holes.releasable <= holes.free + where.pending, "what can be released is free or pending");
}

// What contradicts the segments has a row of its own, so that the rows are whole and each byte has a place.
void check_holders(const DeviceFindings& findings, bool as_the_snapshot_shows) {
  Bytes inside, all;
  const Holder* before = nullptr;
  for (const Holder& holder : findings.holders) {
    all += holder.at.bytes;
    if (!holder.outside) inside += holder.at.bytes;
    require(before == nullptr || before->at.bytes >= holder.at.bytes, "holders come largest first");
    before = &holder;
  }
  Bytes of_kinds;
  for (const KindUse& use : findings.kinds) of_kinds += use.at.bytes;
  require(of_kinds == all, "the kinds add up to what the holders hold");
  require(inside == findings.where.allocated(), "the holders add up to the allocated bytes");
  require(!as_the_snapshot_shows || all == findings.now.usage.allocated, "no allocated byte of the snapshot is lost");
}

void check_pinned(const DeviceFindings& findings) {
  Bytes free;
  for (const PinnedSegment& segment : findings.pinned) {
    require(segment.held + segment.free == Bytes(segment.run.size), "held and free make up a segment");
    require(segment.blocks > 0 && Bytes(segment.largest.size) <= segment.held, "the largest block is one of the held");
    free += segment.free;
  }
  require(free == findings.where.free_in_segments, "pinned segments hold what is free in used ones");
}

void check_growth(const DeviceFindings& findings) {
  const Growth& growth = findings.growth;
  const Iterations& iterations = growth.iterations;
  const bool found = iterations.source != Iterations::kNone;
  require(found ? iterations.count() >= kFewestIterations : iterations.begins.empty(), "four iterations or none");
  require(iterations.begins.empty() || iterations.begins.back() <= findings.events, "iterations lie in the trace");
  require(std::ranges::adjacent_find(iterations.begins, std::ranges::greater_equal()) == iterations.begins.end(),
          "no iteration is empty");
  Bytes rise;
  const Suspect* before = nullptr;
  for (const Suspect& suspect : growth.suspects) {
    require(suspect.rise() > Bytes(), "what grows has grown");
    require(before == nullptr || before->rise() >= suspect.rise(), "suspects come most bytes first");
    require(suspect.iterations <= iterations.count(), "no suspect rises longer than there are iterations");
    require(suspect.confidence >= 0 && suspect.confidence <= 1, "confidence is a share");
    rise += suspect.rise();
    before = &suspect;
  }
  require(rise == growth.rise, "the suspects add up to the rise");
}

void check_curves(const DeviceFindings& findings) {
  const UsageCurves& curves = findings.curves;
  require(findings.events == 0 || curves.timeline.back().last_entry + 1 == findings.events, "the timeline is whole");
  for (const TimelinePoint& point : curves.timeline) {
    require(point.highest.allocated <= curves.allocated.bytes && point.highest.active <= curves.active.bytes &&
                point.highest.requested <= curves.requested.bytes && point.highest.reserved <= curves.reserved.bytes,
            "no point lies above the peak");
  }
}

void check_verdict(const Verdict& verdict) {
  require(std::ranges::is_sorted(verdict.also) || !verdict.evidence.request,
          "the others come in the order of the kinds");
  require(verdict.kind == VerdictKind::kUndecided || verdict.doubt == Doubt::kNone, "a doubt leaves it undecided");
  const Evidence& e = verdict.evidence;
  require(e.request.has_value() == e.room.has_value() && e.request.has_value() == e.need.has_value(),
          "a request has its figures");
  require(!e.room || (e.room->usable_hole <= e.room->usable_free && e.room->elsewhere_hole <= e.room->elsewhere_free),
          "a hole is free");
}

void check_blockers(const DeviceFindings& findings) {
  for (const Opening& opening : findings.openings) {
    Bytes release;
    for (const PlacedBlock& block : opening.blocks) release += Bytes(block.size);
    require(release == opening.release && release <= opening.hole, "the blocks lie in the hole");
    require(serves(opening.hole, *findings.verdict.evidence.request), "the hole serves the request");
  }
  Bytes release;
  for (const PlacedBlock& block : findings.emptying.blocks) release += Bytes(block.size);
  require(release == findings.emptying.release && release <= findings.emptying.returned,
          "the blocks fill the segments");
}

}  // namespace
}  // namespace unfrag::analyze

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace unfrag::analyze;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto snapshot = unfrag::ingest::read_snapshot(std::make_unique<unfrag::ingest::MemorySource>(bytes),
                                                      {.max_unpacked = kMaxUnpacked});
  if (!snapshot) return 0;
  const unfrag::trace::Trace& trace = *snapshot->trace;
  const UserCode user_code(trace);
  StackRoles roles(trace, user_code);
  // The groupings take turns, so that one input costs three examinations and not twelve.
  const auto grouping = static_cast<Grouping>(size % 4);
  for (const unfrag::trace::Device& device : trace.devices) {
    for (const Moment::Kind moment : {Moment::kEnd, Moment::kPeak, Moment::kOom}) {
      const auto findings = examine(
          trace, device, user_code, roles,
          {.at = {.kind = moment},
           .grouping = grouping,
           .read = {.card = {.memory = size % 3 == 0 ? std::optional(unfrag::Bytes(size << 20)) : std::nullopt}},
           .want = moment == Moment::kEnd ? std::optional(unfrag::Bytes(1 + (size << 12))) : std::nullopt,
           .timeline_points = 16});
      if (!findings) {
        require(moment == Moment::kOom, "only an OOM may be missing");
        continue;
      }
      check_where(findings->where);
      check_fragmentation(findings->holes, findings->where);
      check_holders(*findings, moment == Moment::kEnd && device.segment_count > 0);
      check_pinned(*findings);
      check_curves(*findings);
      check_verdict(findings->verdict);
      for (const Verdict& verdict : findings->oom_verdicts) check_verdict(verdict);
      check_blockers(*findings);
      check_growth(*findings);
    }
  }
  return 0;
}
