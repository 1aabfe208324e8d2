#include "report/diff_markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/text.h"
#include "report/diff_words.h"

namespace unfrag::report {
namespace {

using analyze::Diff;
using analyze::GateOutcome;
using analyze::HolderChange;
using analyze::Metric;
using analyze::MomentDiff;

constexpr size_t kLongestName = 200;

/// `name` as a code span, also within a table. Requires: escaped text.
std::string code(const std::string& name) {
  std::string inside;
  for (const char c : name) {
    if (c == '`' || c == '|') {
      inside += fmt::format("\\x{:02x}", c);
    } else {
      inside += c;
    }
  }
  if (inside.size() > kLongestName) {
    size_t cut = inside.size() - kLongestName;
    while (cut < inside.size() && (static_cast<unsigned char>(inside[cut]) & 0xC0) == 0x80) ++cut;
    inside = "..." + inside.substr(cut);
  }
  return inside.empty() ? std::string() : fmt::format("`{}`", inside);
}

template <class... Args>
void add(std::string& text, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
  text += '\n';
}

void add_metrics(std::string& text, const Diff& diff) {
  add(text, "| | A | B | change | |\n|---|---:|---:|---:|---:|");
  for (size_t i = 0; i < analyze::kMetrics; ++i) {
    const auto metric = static_cast<Metric>(i);
    const auto in_a = at(diff.a.metrics, metric), in_b = at(diff.b.metrics, metric);
    if (!in_a && !in_b) continue;
    const auto change = diff.change(metric);
    const bool changed = change.value_or(0) != 0;
    add(text, "| {} | {} | {} | {} | {} |", metric_label(metric), metric_text(diff.a.metrics, metric),
        metric_text(diff.b.metrics, metric), changed ? signed_amount(*change, is_size(metric)) : "",
        changed ? signed_percent(*change, *in_a) : "");
  }
}

void add_row(std::string& text, int64_t change, Bytes a, Bytes b, const std::string& who) {
  add(text, "| {} | {} | {} | {} |", signed_amount(change, true), format_bytes(a), format_bytes(b), who);
}

void add_moment(std::string& text, const Diff& diff, const MomentDiff& moment, std::string_view when, size_t top) {
  if (moment.grew.empty() && moment.shrank.empty()) return;
  add(text, "\n<details><summary>Who holds more and who less {}</summary>\n", when);
  add(text, "| change | A | B | line |\n|---:|---:|---:|---|");
  size_t left = 0;
  for (const auto* changes : {&moment.grew, &moment.shrank}) {
    for (size_t i = 0; i < std::min(top, changes->size()); ++i) {
      const HolderChange& change = (*changes)[i];
      std::string who = code(holder_name(diff, change));
      if (const std::string from = moved_from(diff, change); !from.empty()) who += fmt::format(" ({})", from);
      add_row(text, change.change(), change.a.bytes, change.b.bytes, who);
    }
    left += changes->size() - std::min(top, changes->size());
  }
  add_row(text, static_cast<int64_t>(moment.b.bytes.value() - moment.a.bytes.value()), moment.a.bytes, moment.b.bytes,
          "**total**");
  if (left > 0) add(text, "\n{} more changed.", format_count(left));
  add(text, "\n</details>");
}

}  // namespace

std::string diff_markdown(const Diff& diff, const std::vector<GateOutcome>& gates, size_t top) {
  std::string text;
  add(text, "### GPU memory: B against A\n");
  add(text, "{}\n", diff_headline(diff, code));
  for (const GateOutcome& outcome : gates) {
    add(text, "- {} {}: {}", code(escape_text(outcome.gate.expression)), outcome.holds ? "holds" : "**does not hold**",
        gate_reason(outcome));
  }
  if (!gates.empty()) text += '\n';
  add_metrics(text, diff);
  if (diff.peak) add_moment(text, diff, *diff.peak, "at the peak of allocated memory", top);
  add_moment(text, diff, diff.end, "at the end", top);
  text += '\n';
  for (const std::string& note : diff_notes(diff, code)) add(text, "- {}", note);
  for (const std::string& warning : diff_warnings(diff)) add(text, "- {}", code(warning));
  add(text, "- A: {}, B: {}", code(side_name(diff.a)), code(side_name(diff.b)));
  return text;
}

}  // namespace unfrag::report
