#include "report/verdict_text.h"

#include <algorithm>

#include "base/text.h"
#include "report/headline.h"
#include "report/verdict_words.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;
using analyze::Verdict;

constexpr size_t kMostLines = 5;

void write_places(Page& page, const std::vector<MadeHere>& places) {
  const size_t listed = std::min(kMostLines, places.size());
  for (size_t i = 0; i < listed; ++i) {
    const std::string count = plural(places[i].blocks, "block");
    page.line("    {} in {}  {}", Page::column(places[i].bytes), fit_left(count, 11, page.unicode()),
              page.trimmed(places[i].place, page.width() - 4 - kSizeColumn - 4 - 11 - 2));
  }
  if (listed < places.size()) page.line("    and {} more lines", places.size() - listed);
}

}  // namespace

void write_headline(Page& page, const Names& names, const DeviceFindings& d) {
  const Verdict& verdict = d.verdict;
  page.paragraph(headline(names, d, verdict, analyze::judged_request(d)), 0, 2,
                 is_alarm(d) ? Emphasis::kAlarm : Emphasis::kNone);
}

void write_evidence(Page& page, const Explanation& explanation, const DeviceFindings& d) {
  if (const std::string said = advice(d.verdict, explanation.trace->dialect); !said.empty()) page.paragraph(said, 2, 4);
  if (!d.verdict.also.empty()) page.paragraph(fmt::format("Also: {}.", also_text(d.verdict)), 2, 4);
  const std::vector<EvidenceRow> rows = evidence_rows(d);
  if (!rows.empty()) page.blank();
  for (const EvidenceRow& row : rows) {
    page.line("  {} {}  {}", fit_left(row.name, 10, page.unicode()), fit_right(row.amount, kSizeColumn + 1),
              page.trimmed(row.why, page.width() - 2 - 10 - 1 - kSizeColumn - 1 - 2));
  }
}

void write_blockers(Page& page, const Explanation& explanation, const DeviceFindings& d) {
  const std::vector<WayOut> ways = ways_out(explanation, d);
  if (ways.empty()) return;
  page.heading(ways_out_title(d));
  for (const WayOut& way : ways) {
    page.paragraph(way.sentence, 2, 4);
    write_places(page, way.places);
  }
}

}  // namespace unfrag::report
