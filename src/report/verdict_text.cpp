#include "report/verdict_text.h"

#include <algorithm>
#include <map>
#include <span>
#include <tuple>

#include "base/text.h"
#include "report/headline.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Evidence;
using analyze::Explanation;
using analyze::Verdict;

constexpr size_t kMostLines = 5;

bool is_alarm(const DeviceFindings& d) {
  return d.verdict.evidence.request && d.verdict.served == analyze::Served::kNot;
}

std::string list_of(std::span<const analyze::VerdictKind> kinds) {
  std::string list;
  for (const analyze::VerdictKind kind : kinds) {
    if (!list.empty()) list += ", ";
    list += analyze::verdict_name(kind);
  }
  return list;
}

// ---- blockers, by the line that made them ----

struct Made {
  Bytes bytes{};
  uint64_t blocks = 0;
};
using ByPlace = std::map<std::string, Made>;

void add(ByPlace& places, const Names& names, const analyze::PlacedBlock& block) {
  Made& made = places[names.place(block.stack)];
  made.bytes += Bytes(block.size);
  ++made.blocks;
}

void write_places(Page& page, const ByPlace& places) {
  std::vector<std::pair<std::string, Made>> sorted(places.begin(), places.end());
  std::ranges::sort(sorted, [](const auto& a, const auto& b) {
    return std::tuple(b.second.bytes, a.first) < std::tuple(a.second.bytes, b.first);
  });
  const size_t listed = std::min(kMostLines, sorted.size());
  for (size_t i = 0; i < listed; ++i) {
    const Made& made = sorted[i].second;
    const std::string count = plural(made.blocks, "block");
    page.line("    {} in {}  {}", Page::column(made.bytes), fit_left(count, 11, page.unicode()),
              page.trimmed(sorted[i].first, page.width() - 4 - kSizeColumn - 4 - 11 - 2));
  }
  if (listed < sorted.size()) page.line("    and {} more lines", sorted.size() - listed);
}

void write_opening(Page& page, const Names& names, const analyze::Opening& opening) {
  if (opening.blocks.empty()) {
    page.paragraph(
        fmt::format("Only blocks that wait for another stream: once it is done, after torch.cuda.synchronize(), "
                    "a hole of {} opens in segment {:#x}.",
                    format_bytes(opening.hole), opening.run.addr),
        2, 4);
    return;
  }
  page.paragraph(fmt::format("Free {} made here, {}, and a hole of {} opens in segment {:#x}:",
                             plural(opening.blocks.size(), "block"), format_bytes(opening.release),
                             format_bytes(opening.hole), opening.run.addr),
                 2, 4);
  ByPlace places;
  for (const analyze::PlacedBlock& block : opening.blocks) add(places, names, block);
  write_places(page, places);
}

}  // namespace

void write_headline(Page& page, const Names& names, const DeviceFindings& d) {
  const Verdict& verdict = d.verdict;
  page.paragraph(headline(names, d, verdict, analyze::judged_request(d)), 0, 2,
                 is_alarm(d) ? Emphasis::kAlarm : Emphasis::kNone);
}

void write_evidence(Page& page, const Explanation& explanation, const DeviceFindings& d) {
  const Evidence& e = d.verdict.evidence;
  if (const std::string said = advice(d.verdict, explanation.trace->dialect); !said.empty()) page.paragraph(said, 2, 4);
  if (!d.verdict.also.empty()) page.paragraph(fmt::format("Also: {}.", list_of(d.verdict.also)), 2, 4);
  if (!e.request || !e.allowance.may) return;
  const Bytes may = *e.allowance.may;
  page.blank();
  const auto row = [&](std::string_view name, const std::string& amount, const std::string& why) {
    page.line("  {} {}  {}", fit_left(name, 10, page.unicode()), fit_right(amount, kSizeColumn + 1),
              page.trimmed(why, page.width() - 2 - 10 - 1 - kSizeColumn - 1 - 2));
  };
  row("may have", format_bytes(may),
      e.allowance.limited ? "its limit"
                          : fmt::format("{} reserved, {} left at the driver", format_bytes(e.reserved),
                                        format_bytes(e.allowance.device_free)));
  row("needs", format_bytes(*e.need),
      fmt::format("{} in use, {} requested", format_bytes(e.active), format_bytes(e.request->rounded)));
  const int64_t spare = *e.spare;
  row("spare",
      fmt::format("{}{}", spare < 0 ? "-" : "", format_bytes(Bytes(static_cast<uint64_t>(spare < 0 ? -spare : spare)))),
      spare < 0 ? std::string("too little, however it is laid out")
                : fmt::format("below {} counts as full", format_bytes(analyze::capacity_below(may))));
}

void write_blockers(Page& page, const Explanation& explanation, const DeviceFindings& d) {
  const Evidence& e = d.verdict.evidence;
  if (!is_alarm(d) || d.verdict.kind == analyze::VerdictKind::kUndecided) return;
  page.heading(fmt::format("What stands in the way of {}", format_bytes(e.request->rounded)));
  const Names names(explanation);
  if (!d.openings.empty()) {
    write_opening(page, names, d.openings.front());
  } else {
    page.paragraph("No segment that this request may use is large enough to hold it, even empty.", 2, 4);
  }
  const bool dearer = !d.openings.empty() && d.emptying.release >= d.openings.front().release;
  if (d.emptying.segments.empty() || dearer) return;
  ByPlace places;
  for (const analyze::PlacedBlock& block : d.emptying.blocks) add(places, names, block);
  page.paragraph(fmt::format("{} {}, {}, and {} of {} in all can go back to the driver, which then serves it:",
                             d.openings.empty() ? "Free" : "Or free", plural(d.emptying.blocks.size(), "block"),
                             format_bytes(d.emptying.release), plural(d.emptying.segments.size(), "segment"),
                             format_bytes(d.emptying.returned)),
                 2, 4);
  write_places(page, places);
}

}  // namespace unfrag::report
