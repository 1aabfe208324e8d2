#include "report/advice_html.h"

#include <fmt/format.h>

#include <vector>

#include "base/text.h"
#include "report/advice_words.h"
#include "report/html.h"
#include "report/names.h"
#include "report/page.h"

namespace unfrag::report {
namespace {

using advise::Advice;
using advise::Candidate;

std::vector<std::string> row_of(const Advice& advice, size_t i) {
  const Candidate& c = advice.candidates[i];
  const alloc::Statistics& s = c.outcome.statistics;
  const Bytes before = advice.candidates.front().outcome.statistics.reserved.peak;
  return {format_bytes(s.reserved.peak),
          i == 0 ? std::string() : peak_change(s.reserved.peak, before),
          format_count(s.num_ooms),
          c.needs ? format_bytes(*c.needs) : std::string("no size"),
          format_count(s.num_device_alloc + s.num_device_free),
          fmt::format("{}{}{}", settings_prose(c.conf), i == 0 ? " (as recorded)" : "",
                      advice.recommended == i ? " (recommended)" : "")};
}

void add_table(Html& html, const Advice& advice, size_t top) {
  std::vector<std::vector<std::string>> rows;
  size_t hidden = 0;
  for (size_t i = 0; i < advice.candidates.size(); ++i) {
    if (advice.candidates[i].same_as) continue;
    if (rows.size() <= top || advice.recommended == i) {
      rows.push_back(row_of(advice, i));
    } else {
      ++hidden;
    }
  }
  html.table({{"reserved", true}, {"change", true}, {"failed", true}, {"needs", true}, {"calls", true}, {"settings"}},
             rows);
  const std::string more = hidden > 0 ? fmt::format("{} more. ", plural(hidden, "setting")) : std::string();
  html.paragraph(more + std::string(kAdviceColumns) + ".", Tone::kFaint);
}

}  // namespace

std::string advice_html(const analyze::Explanation& e, const Advice& advice, size_t top) {
  Html html;
  html.paragraph(advice_headline(e, advice), Tone::kVerdict);
  if (const std::string care = advice_care(advice); !care.empty()) html.paragraph(care);
  if (advice.recommended) {
    html.code(settings_line(e.trace->dialect, advice.candidates[*advice.recommended].conf));
  }
  html.list("", what_instead(e, advice));
  add_table(html, advice, top);
  std::vector<std::string> drawbacks;
  if (advice.recommended) {
    for (const auto& drawback : advice.candidates[*advice.recommended].drawbacks) drawbacks.emplace_back(drawback.text);
  }
  html.list("What to know before you set it", drawbacks);
  html.list("What the figures rest on", advice_doubts(advice));
  return std::move(html).take();
}

}  // namespace unfrag::report
