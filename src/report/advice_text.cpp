#include "report/advice_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "advise/candidates.h"
#include "advise/device_cost.h"
#include "base/text.h"
#include "report/advice_words.h"
#include "report/names.h"

namespace unfrag::report {
namespace {

using advise::Advice;
using advise::Candidate;
using analyze::Explanation;

constexpr size_t kChangeColumn = 12;
constexpr size_t kFailedColumn = 6;
constexpr size_t kCallsColumn = 6;
constexpr size_t kTimeColumn = 6;
constexpr size_t kMostLeft = 5;

// "40 ms", "1.2 s": no more digits than the estimate is worth.
std::string duration(double ms) {
  return ms < 1000 ? fmt::format("{:.0f} ms", ms) : fmt::format("{:.1f} s", ms / 1000);
}

// Its name, with the names of those that come to the same and are as simple.
void write_names(Page& page, const Advice& advice, size_t row) {
  const std::vector<Candidate>& all = advice.candidates;
  page.line("{} {}{}", advice.recommended == row ? "*" : " ", settings_name(all[row].conf),
            row == 0 ? " (as recorded)" : "");
  for (const Candidate& c : all) {
    const bool as_simple = advise::key_count(c.settings) <= advise::key_count(all[row].settings);
    if (c.same_as == row && as_simple) page.line("  {}", settings_name(c.conf));
  }
}

void write_figures(Page& page, const Candidate& c, const std::string& changed) {
  const alloc::Statistics& s = c.outcome.statistics;
  page.line("  {} {} {} {} {} {}", Page::column(s.reserved.peak), fit_right(changed, kChangeColumn),
            fit_right(format_count(s.num_ooms), kFailedColumn),
            fit_right(c.needs ? format_bytes(*c.needs) : "no size", kSizeColumn),
            fit_right(format_count(s.num_device_alloc + s.num_device_free), kCallsColumn),
            fit_right(duration(c.device_calls_ms), kTimeColumn));
}

void write_table(Page& page, const Advice& advice, size_t top) {
  page.line("  {} {} {} {} {} {}", fit_right("reserved", kSizeColumn), fit_right("change", kChangeColumn),
            fit_right("failed", kFailedColumn), fit_right("needs", kSizeColumn), fit_right("calls", kCallsColumn),
            fit_right("~time", kTimeColumn));
  const std::vector<Candidate>& all = advice.candidates;
  const Bytes before = all.front().outcome.statistics.reserved.peak;
  size_t shown = 0;
  size_t hidden = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].same_as) continue;
    if (i > 0 && shown >= top && advice.recommended != i) {
      ++hidden;
      continue;
    }
    shown += i > 0 ? 1 : 0;
    write_names(page, advice, i);
    write_figures(page, all[i], i == 0 ? "" : peak_change(all[i].outcome.statistics.reserved.peak, before));
  }
  page.blank();
  const auto folded = std::ranges::count_if(all, [](const Candidate& c) { return c.same_as.has_value(); });
  std::string rest;
  if (hidden > 0) rest = fmt::format("{} more (--top {}). ", plural(hidden, "setting"), all.size());
  if (folded > 0)
    rest +=
        fmt::format("{} in all come to the same as a simpler one. ", plural(static_cast<uint64_t>(folded), "setting"));
  rest += fmt::format("{}, and about how long they take.", kAdviceColumns);
  page.paragraph(rest, 2, 2);
  const bool hangs = std::ranges::any_of(all, [](const Candidate& c) { return c.depends_on_addresses && !c.same_as; });
  if (hangs) page.paragraph("Figures of some settings change with where the driver puts new segments.", 2, 2);
  page.paragraph(fmt::format("Times from {}.", advise::kCostSource), 2, 2);
}

void write_drawbacks(Page& page, const Advice& advice) {
  if (!advice.recommended) return;
  const auto& drawbacks = advice.candidates[*advice.recommended].drawbacks;
  if (drawbacks.empty()) return;
  page.heading("What to know before you set it");
  for (const advise::Drawback& drawback : drawbacks) page.paragraph(fmt::format("- {}", drawback.text), 2, 4);
}

// A candidate that serves what failed may still leave next to nothing.
void write_left(Page& page, const Advice& advice) {
  size_t listed = 0;
  for (const Candidate& c : advice.candidates) {
    if (c.same_as || !c.left || !c.serves_last || listed == kMostLeft) continue;
    if (listed++ == 0) page.heading("With the last failed request served, this would be left if there were no holes");
    page.line("  {}  {}", Page::column(*c.left), settings_name(c.conf));
  }
}

void write_trust(Page& page, const Advice& advice) {
  const std::vector<std::string> doubts = advice_doubts(advice);
  if (doubts.empty()) return;
  page.heading("What the figures rest on");
  for (const std::string& doubt : doubts) page.paragraph("- " + doubt, 2, 4);
}

}  // namespace

void write_advice(Page& page, const Explanation& e, const Advice& advice, size_t top) {
  page.paragraph(advice_headline(e, advice));
  if (const std::string care = advice_care(advice); !care.empty()) page.paragraph(care, 2, 2);
  if (advice.recommended) {
    page.blank();
    page.line("  export {}", settings_line(e.trace->dialect, advice.candidates[*advice.recommended].conf));
  }
  for (const std::string& one : what_instead(e, advice)) page.paragraph("- " + one, 2, 4);
  page.blank();
  write_table(page, advice, top);
  write_left(page, advice);
  write_drawbacks(page, advice);
  write_trust(page, advice);
}

std::string advice_text(const Explanation& e, const Advice& advice, const TextOptions& options) {
  Page page(options.width, options.unicode, options.color);
  if (options.quiet) {
    page.paragraph(advice_headline(e, advice));
    return std::move(page).take();
  }
  const analyze::DeviceFindings& d = e.devices[e.chosen];
  page.paragraph(fmt::format("{}: {} of device {} replayed with {}{}", display_path(e.path), trace_entries(d.events),
                             d.index, plural(advice.candidates.size(), "setting"),
                             e.trace->truncated ? ", CUT OFF" : ""));
  page.blank();
  write_advice(page, e, advice, options.top);
  page.blank();
  const std::string conf = advice.candidates[advice.recommended.value_or(0)].conf;
  const std::string rest = reading_options(*e.trace, d.index, advice.read) + " " + file_argument(e.path);
  if (advice.recommended && !conf.empty()) {
    page.line("Next: unfrag replay --conf {}{}", shell_word(conf), rest);
  } else {
    page.line("Next: unfrag explain{}", rest);
  }
  return std::move(page).take();
}

}  // namespace unfrag::report
