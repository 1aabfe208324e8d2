#include "report/verdict_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "report/names.h"
#include "report/page.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Evidence;
using analyze::Explanation;

std::vector<MadeHere> by_place(const Names& names, const std::vector<analyze::PlacedBlock>& blocks) {
  std::map<std::string, MadeHere> places;
  for (const analyze::PlacedBlock& block : blocks) {
    MadeHere& made = places[names.place(block.stack)];
    made.bytes += Bytes(block.size);
    ++made.blocks;
  }
  std::vector<MadeHere> sorted;
  sorted.reserve(places.size());
  for (auto& [place, made] : places) sorted.push_back({place, made.bytes, made.blocks});
  std::ranges::sort(sorted, [](const MadeHere& a, const MadeHere& b) {
    return std::tuple(b.bytes, a.place) < std::tuple(a.bytes, b.place);
  });
  return sorted;
}

WayOut of_opening(const Names& names, const analyze::Opening& opening) {
  if (opening.blocks.empty()) {
    return {
        fmt::format("Only blocks that wait for another stream: once it is done, after torch.cuda.synchronize(), "
                    "a hole of {} opens in segment {:#x}.",
                    format_bytes(opening.hole), opening.run.addr)};
  }
  return {fmt::format(
              "Free {} made here, {}, and a hole of {} opens in segment {:#x}:", plural(opening.blocks.size(), "block"),
              format_bytes(opening.release), format_bytes(opening.hole), opening.run.addr),
          by_place(names, opening.blocks)};
}

WayOut of_emptying(const Names& names, const analyze::Emptying& emptying, bool alone) {
  return {
      fmt::format("{} {}, {}, and {} of {} in all can go back to the driver, which then serves it:",
                  alone ? "Free" : "Or free", plural(emptying.blocks.size(), "block"), format_bytes(emptying.release),
                  plural(emptying.segments.size(), "segment"), format_bytes(emptying.returned)),
      by_place(names, emptying.blocks)};
}

}  // namespace

bool is_alarm(const DeviceFindings& d) {
  return d.verdict.evidence.request && d.verdict.served == analyze::Served::kNot;
}

std::string also_text(const analyze::Verdict& verdict) {
  std::string list;
  for (const analyze::VerdictKind kind : verdict.also) {
    if (!list.empty()) list += ", ";
    list += analyze::verdict_name(kind);
  }
  return list;
}

std::vector<EvidenceRow> evidence_rows(const DeviceFindings& d) {
  const Evidence& e = d.verdict.evidence;
  if (!e.request || !e.allowance.may) return {};
  const int64_t spare = *e.spare;
  const Bytes distance(static_cast<uint64_t>(spare < 0 ? -spare : spare));
  return {
      {"may have", format_bytes(*e.allowance.may),
       e.allowance.limited ? "its limit"
                           : fmt::format("{} reserved, {} left at the driver", format_bytes(e.reserved),
                                         format_bytes(e.allowance.device_free))},
      {"needs", format_bytes(*e.need),
       fmt::format("{} in use, {} requested", format_bytes(e.active), format_bytes(e.request->rounded))},
      {"spare", fmt::format("{}{}", spare < 0 ? "-" : "", format_bytes(distance)),
       spare < 0 ? std::string("too little, however it is laid out")
                 : fmt::format("below {} counts as full", format_bytes(analyze::capacity_below(*e.allowance.may)))}};
}

std::vector<WayOut> ways_out(const Explanation& explanation, const DeviceFindings& d) {
  if (!is_alarm(d) || d.verdict.kind == analyze::VerdictKind::kUndecided) return {};
  const Names names(explanation);
  const bool opens = !d.openings.empty();
  std::vector<WayOut> ways;
  if (opens) {
    ways.push_back(of_opening(names, d.openings.front()));
  } else {
    ways.push_back({"No segment that this request may use is large enough to hold it, even empty."});
  }
  const bool dearer = opens && d.emptying.release >= d.openings.front().release;
  if (!d.emptying.segments.empty() && !dearer) ways.push_back(of_emptying(names, d.emptying, !opens));
  return ways;
}

std::string ways_out_title(const DeviceFindings& d) {
  return fmt::format("What stands in the way of {}", format_bytes(d.verdict.evidence.request->rounded));
}

}  // namespace unfrag::report
