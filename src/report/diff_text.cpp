#include "report/diff_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/diff_words.h"
#include "report/page.h"
#include "report/places.h"

namespace unfrag::report {
namespace {

using analyze::Diff;
using analyze::DiffSide;
using analyze::GateOutcome;
using analyze::Held;
using analyze::HolderChange;
using analyze::Metric;
using analyze::MomentDiff;

constexpr size_t kChangeColumn = kSizeColumn + 1;

void write_side(Page& page, const DiffSide& side, char letter) {
  page.paragraph(fmt::format("{}: {}, device {}, {}{}", letter, side_name(side), side.device,
                             trace_entries(side.events), side.trace->truncated ? ", CUT OFF" : ""));
}

void write_gates(Page& page, const std::vector<GateOutcome>& gates, bool failed_only) {
  for (const GateOutcome& outcome : gates) {
    if (failed_only && outcome.holds) continue;
    page.paragraph(fmt::format("{}: {}: {}", outcome.holds ? "Gate holds" : "Gate does not hold",
                               escape_text(outcome.gate.expression), gate_reason(outcome)),
                   0, 2, outcome.holds ? Emphasis::kNone : Emphasis::kAlarm);
  }
}

void write_metrics(Page& page, const Diff& diff) {
  constexpr size_t kName = 17;
  constexpr size_t kPercent = 9;
  const bool wide = page.width() >= 2 + kName + 2 * (kSizeColumn + 1) + kChangeColumn + 1 + kPercent + 1;
  page.blank();
  page.line("  {} {} {} {}", fit_left("", kName, page.unicode()), fit_right("A", kSizeColumn),
            fit_right("B", kSizeColumn), fit_right("change", kChangeColumn));
  for (size_t i = 0; i < analyze::kMetrics; ++i) {
    const auto metric = static_cast<Metric>(i);
    const auto in_a = at(diff.a.metrics, metric), in_b = at(diff.b.metrics, metric);
    if (!in_a && !in_b) continue;
    const auto change = diff.change(metric);
    page.line("  {} {} {} {} {}", fit_left(metric_label(metric), kName, page.unicode()),
              fit_right(metric_text(diff.a.metrics, metric), kSizeColumn),
              fit_right(metric_text(diff.b.metrics, metric), kSizeColumn),
              fit_right(change ? signed_amount(*change, is_size(metric)) : std::string(), kChangeColumn),
              wide && change.value_or(0) != 0 ? fit_right(signed_percent(*change, *in_a), kPercent) : std::string());
  }
}

void write_row(Page& page, std::string_view change, const Held& a, const Held& b, std::string_view who) {
  const size_t name_width = page.width() - 2 - (kChangeColumn + 1) - 2 * (kSizeColumn + 1);
  page.line("  {} {} {} {}", fit_right(change, kChangeColumn), Page::column(a.bytes), Page::column(b.bytes),
            page.trimmed(who, name_width));
}

std::string change_of(const Held& a, const Held& b) {
  return signed_amount(static_cast<int64_t>(b.bytes.value() - a.bytes.value()), true);
}

void write_change(Page& page, const Diff& diff, const HolderChange& change, bool stacks) {
  write_row(page, change_of(change.a, change.b), change.a, change.b, holder_name(diff, change));
  if (const std::string from = moved_from(diff, change); !from.empty())
    page.paragraph(fmt::format("({})", from), 40, 40);
  if (!stacks) return;
  const bool by_b = change.in_b != nullptr;
  write_stack(page, by_b ? *diff.b.trace : *diff.a.trace, by_b ? change.in_b->stack : change.in_a->stack);
}

/// What is beyond the `top` first of each.
void write_rest(Page& page, const MomentDiff& moment, size_t top) {
  Held a, b;
  size_t count = 0;
  for (const auto* changes : {&moment.grew, &moment.shrank}) {
    for (size_t i = top; i < changes->size(); ++i, ++count) {
      a.bytes += (*changes)[i].a.bytes;
      b.bytes += (*changes)[i].b.bytes;
    }
  }
  const size_t all = std::max(moment.grew.size(), moment.shrank.size());
  if (count > 0) write_row(page, change_of(a, b), a, b, fmt::format("{} more, --top {} lists all", count, all));
}

void write_moment(Page& page, const Diff& diff, const MomentDiff& moment, std::string_view when,
                  const TextOptions& options) {
  if (moment.grew.empty() && moment.shrank.empty()) {
    if (moment.same == 0) return;
    page.blank();
    page.paragraph(fmt::format("Nobody holds more or less {}: {} of {} in all.", when, plural(moment.same, "line"),
                               format_bytes(moment.a.bytes)));
    return;
  }
  page.heading(fmt::format("Who holds more and who less {}, by line", when));
  page.line("  {} {} {}", fit_right("change", kChangeColumn), fit_right("A", kSizeColumn), fit_right("B", kSizeColumn));
  for (const auto* changes : {&moment.grew, &moment.shrank}) {
    for (size_t i = 0; i < std::min(options.top, changes->size()); ++i) {
      write_change(page, diff, (*changes)[i], options.stacks);
    }
  }
  write_rest(page, moment, options.top);
  if (moment.same > 0) {
    write_row(page, "0 B", moment.same_a, moment.same_b, fmt::format("{} as before", plural(moment.same, "line")));
  }
  write_row(page, change_of(moment.a, moment.b), moment.a, moment.b, "TOTAL");
}

void write_list(Page& page, std::string_view title, const std::vector<std::string>& items) {
  if (items.empty()) return;
  page.heading(title);
  for (const std::string& item : items) page.paragraph("- " + item, 2, 4);
}

}  // namespace

std::string diff_text(const Diff& diff, const std::vector<GateOutcome>& gates, const TextOptions& options) {
  Page page(options.width, options.unicode, options.color);
  const auto as_it_is = [](const std::string& name) { return name; };
  if (!options.quiet) {
    write_side(page, diff.a, 'A');
    write_side(page, diff.b, 'B');
    page.blank();
  }
  page.paragraph(diff_headline(diff, as_it_is), 0, 2, Emphasis::kBold);
  write_gates(page, gates, options.quiet);
  if (options.quiet) return std::move(page).take();
  write_metrics(page, diff);
  if (diff.peak) write_moment(page, diff, *diff.peak, "at the peak of allocated memory", options);
  write_moment(page, diff, diff.end, "at the end", options);
  write_list(page, "How to read this", diff_notes(diff, as_it_is));
  write_list(page, "Warnings", diff_warnings(diff));
  return std::move(page).take();
}

}  // namespace unfrag::report
