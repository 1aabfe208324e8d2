#include "report/diff_html.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/diff_words.h"
#include "report/html.h"
#include "report/page.h"

namespace unfrag::report {
namespace {

using analyze::Diff;
using analyze::GateOutcome;
using analyze::HolderChange;
using analyze::Metric;
using analyze::MomentDiff;
using Rows = std::vector<std::vector<std::string>>;

void add_metrics(Html& html, const Diff& diff) {
  Rows rows;
  for (size_t i = 0; i < analyze::kMetrics; ++i) {
    const auto metric = static_cast<Metric>(i);
    const auto in_a = at(diff.a.metrics, metric), in_b = at(diff.b.metrics, metric);
    if (!in_a && !in_b) continue;
    const auto change = diff.change(metric);
    const bool changed = change.value_or(0) != 0;
    rows.push_back({std::string(metric_label(metric)), metric_text(diff.a.metrics, metric),
                    metric_text(diff.b.metrics, metric),
                    changed ? signed_amount(*change, is_size(metric)) : std::string(),
                    changed ? signed_percent(*change, *in_a) : std::string()});
  }
  html.table({{""}, {"A", true}, {"B", true}, {"change", true}, {"", true}}, rows);
}

std::vector<std::string> row_of(int64_t change, Bytes a, Bytes b, std::string who) {
  return {signed_amount(change, true), format_bytes(a), format_bytes(b), std::move(who)};
}

void add_moment(Html& html, const Diff& diff, const MomentDiff& moment, std::string_view when, size_t top) {
  if (moment.grew.empty() && moment.shrank.empty()) return;
  html.paragraph(fmt::format("Who holds more and who less {}, by line", when), Tone::kTitle);
  Rows rows;
  size_t left = 0;
  for (const auto* changes : {&moment.grew, &moment.shrank}) {
    const size_t listed = std::min(top, changes->size());
    for (size_t i = 0; i < listed; ++i) {
      const HolderChange& change = (*changes)[i];
      std::string who = holder_name(diff, change);
      if (const std::string from = moved_from(diff, change); !from.empty()) who += fmt::format(" ({})", from);
      rows.push_back(row_of(change.change(), change.a.bytes, change.b.bytes, std::move(who)));
    }
    left += changes->size() - listed;
  }
  rows.push_back(row_of(static_cast<int64_t>(moment.b.bytes.value() - moment.a.bytes.value()), moment.a.bytes,
                        moment.b.bytes, "TOTAL"));
  html.table({{"change", true}, {"A", true}, {"B", true}, {""}}, rows, true);
  if (left > 0) html.paragraph(fmt::format("{} more changed.", format_count(left)), Tone::kFaint);
}

}  // namespace

std::string diff_html(const Diff& diff, const std::vector<GateOutcome>& gates, size_t top) {
  const auto as_it_is = [](const std::string& name) { return name; };
  const bool all_hold = std::ranges::all_of(gates, &GateOutcome::holds);
  Html html;
  html.paragraph(diff_headline(diff, as_it_is), all_hold ? Tone::kVerdict : Tone::kAlarm);
  for (const GateOutcome& outcome : gates) {
    html.paragraph(fmt::format("{}: {}: {}", outcome.holds ? "Gate holds" : "Gate does not hold",
                               outcome.gate.expression, gate_reason(outcome)));
  }
  add_metrics(html, diff);
  if (diff.peak) add_moment(html, diff, *diff.peak, "at the peak of allocated memory", top);
  add_moment(html, diff, diff.end, "at the end", top);
  html.list("How to read this", diff_notes(diff, as_it_is));
  html.list("Warnings", diff_warnings(diff));
  html.paragraph(fmt::format("A: {}, B: {}", side_name(diff.a), side_name(diff.b)), Tone::kFaint);
  return std::move(html).take();
}

}  // namespace unfrag::report
