#include "report/explain_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "report/explain_words.h"
#include "report/growth_text.h"
#include "report/headline.h"
#include "report/holder_table.h"
#include "report/html.h"
#include "report/timeline_svg.h"
#include "report/verdict_words.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;
using Rows = std::vector<std::vector<std::string>>;

constexpr size_t kMostPlaces = 5;

void add_verdict(Html& html, const Explanation& e, const DeviceFindings& d) {
  html.paragraph(headline(Names(e), d, d.verdict, analyze::judged_request(d)),
                 is_alarm(d) ? Tone::kAlarm : Tone::kVerdict);
  if (const std::string said = advice(d.verdict, e.trace->dialect); !said.empty()) html.paragraph(said);
  std::string line;
  for (const EvidenceRow& row : evidence_rows(d)) {
    line += fmt::format("{}{} {} ({})", line.empty() ? "The process " : "; ", row.name, row.amount, row.why);
  }
  if (!line.empty()) html.paragraph(line + ".", Tone::kFaint);
  if (!d.verdict.also.empty()) html.paragraph(fmt::format("Also: {}.", also_text(d.verdict)), Tone::kFaint);
}

void add_holders(Html& html, const Explanation& e, const DeviceFindings& d, size_t top) {
  if (d.holders.empty()) return;
  html.paragraph(holders_title(e.grouping), Tone::kTitle);
  const HolderTable table = holder_table(e, d, top);
  std::vector<HtmlColumn> columns = {{table.moment, true}, {"at the peak", true}, {"blocks", true}, {""}};
  if (table.is_peak) columns.erase(columns.begin() + 1);
  Rows rows;
  const auto add = [&](const HolderRow& row, const std::string& who) {
    rows.push_back({format_bytes(row.at.bytes), format_bytes(row.at_peak.bytes), format_count(row.at.blocks), who});
    if (table.is_peak) rows.back().erase(rows.back().begin() + 1);
  };
  for (const HolderRow& row : table.rows) add(row, row.who);
  if (table.more > 0) add(table.rest, fmt::format("{} more", format_count(table.more)));
  add(table.total, table.total.who);
  html.table(columns, rows, true);
}

void add_ways_out(Html& html, const Explanation& e, const DeviceFindings& d) {
  const std::vector<WayOut> ways = ways_out(e, d);
  if (ways.empty()) return;
  html.paragraph(ways_out_title(d), Tone::kTitle);
  for (const WayOut& way : ways) {
    html.paragraph(way.sentence);
    if (way.places.empty()) continue;
    Rows rows;
    for (const MadeHere& made : way.places) {
      if (rows.size() == kMostPlaces) break;
      rows.push_back({format_bytes(made.bytes), format_count(made.blocks), made.place});
    }
    html.table({{"bytes", true}, {"blocks", true}, {""}}, rows);
    if (way.places.size() > rows.size()) {
      html.paragraph(fmt::format("and {} more lines", format_count(way.places.size() - rows.size())), Tone::kFaint);
    }
  }
}

void add_growth(Html& html, const Explanation& e, const DeviceFindings& d) {
  if (d.growth.suspects.empty()) return;
  std::vector<std::string> lines;
  lines.reserve(d.growth.suspects.size());
  for (const analyze::Suspect& suspect : d.growth.suspects) lines.push_back(growth_sentence(Names(e), suspect));
  html.list(growth_title(d.growth), lines, kMostPlaces);
}

void add_other_devices(Html& html, const Explanation& e) {
  std::vector<std::string> others;
  for (size_t i = 0; i < e.devices.size(); ++i) {
    if (i == e.chosen) continue;
    others.push_back(fmt::format("{}: {}", Names::device(e.devices[i]), device_summary(e.devices[i])));
  }
  html.list("Other devices in this recording", others);
}

void add_device(Html& html, const Explanation& e, size_t top) {
  const DeviceFindings& d = e.devices[e.chosen];
  add_verdict(html, e, d);
  if (!d.curves.timeline.empty()) html.picture(timeline_svg(d));
  add_holders(html, e, d, top);
  add_ways_out(html, e, d);
  add_growth(html, e, d);
  add_other_devices(html, e);
}

}  // namespace

std::string explain_html(const Explanation& e, size_t top) {
  Html html;
  if (e.devices.empty() && e.host.empty()) html.paragraph(nothing_to_see(e), Tone::kVerdict);
  if (!e.devices.empty()) add_device(html, e, top);
  for (const DeviceFindings& host : e.host) add_verdict(html, e, host);
  html.list("Warnings", all_warnings(e));
  html.paragraph(about_recording(e), Tone::kFaint);
  if (!e.devices.empty()) {
    const DeviceFindings& d = e.devices[e.chosen];
    html.paragraph(coverage(e, d), Tone::kFaint);
    if (worth_advising(d)) html.paragraph("Next: trace.advise() tells which allocator settings would help.");
  }
  return std::move(html).take();
}

}  // namespace unfrag::report
