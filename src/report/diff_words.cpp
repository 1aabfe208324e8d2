#include "report/diff_words.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/text.h"
#include "report/page.h"
#include "report/places.h"

namespace unfrag::report {
namespace {

using analyze::Diff;
using analyze::DiffSide;
using analyze::HolderChange;
using analyze::Metric;
using analyze::MomentDiff;

uint64_t size_of(int64_t change) { return change < 0 ? -static_cast<uint64_t>(change) : static_cast<uint64_t>(change); }

/// "43.50 MiB", "-43.50 MiB", "3"
std::string amount_text(int64_t amount, bool is_size) {
  const std::string size = is_size ? format_bytes(Bytes(size_of(amount))) : format_count(size_of(amount));
  return fmt::format("{}{}", amount < 0 ? "-" : "", size);
}

std::string percent_text(uint64_t part, uint64_t whole) {
  const double percent = static_cast<double>(part) / static_cast<double>(whole) * 100;
  if (percent >= 99999.5) return "> 99999 %";
  return percent >= 999.95 ? fmt::format("{:.0f} %", percent) : fmt::format("{:.1f} %", percent);
}

/// "43.50 MiB (20.9 %)"
std::string amount_and_percent(int64_t change, uint64_t from) {
  std::string amount = format_bytes(Bytes(size_of(change)));
  if (from == 0) return amount;
  return fmt::format("{} ({})", amount, percent_text(size_of(change), from));
}

std::string failure_sentence(const Diff& diff) {
  const uint64_t in_a = at(diff.a.metrics, Metric::kNumOoms).value_or(0);
  const uint64_t in_b = at(diff.b.metrics, Metric::kNumOoms).value_or(0);
  if (in_a > 0 && in_b > 0) return "Both ran out of memory. ";
  if (in_b > 0) return "B ran out of memory, A did not. ";
  return in_a > 0 ? "A ran out of memory, B did not. " : "";
}

std::string reserved_sentence(const Diff& diff, Metric metric) {
  const uint64_t in_a = *at(diff.a.metrics, metric), in_b = *at(diff.b.metrics, metric);
  const int64_t change = *diff.change(metric);
  const bool peak = metric == Metric::kPeakReserved;
  if (change == 0) {
    return fmt::format("Both reserve {} at {}. ", format_bytes(Bytes(in_a)), peak ? "their peaks" : "the end");
  }
  return fmt::format("B reserves {} {} than A at {}, {} instead of {}. ", amount_and_percent(change, in_a),
                     change > 0 ? "more" : "less", peak ? "its peak" : "the end", format_bytes(Bytes(in_b)),
                     format_bytes(Bytes(in_a)));
}

std::string allocated_sentence(const Diff& diff, const MomentDiff& moment, bool reserved_alike, const Quote& quote) {
  const auto change = static_cast<int64_t>(moment.b.bytes.value() - moment.a.bytes.value());
  const std::string in_a = format_bytes(moment.a.bytes);
  if (change == 0) {
    const bool known = !diff.a.allocated_is_lower_bound && !diff.b.allocated_is_lower_bound;
    return fmt::format("{} much is allocated, {}{}.", known ? "As" : "As far as is known as", in_a,
                       reserved_alike ? "" : ": the difference lies free in segments");
  }
  const HolderChange& first = change > 0 ? moment.grew.front() : moment.shrank.front();
  const bool most = size_of(first.change()) >= size_of(change) / 2;
  return fmt::format("Of allocated memory B has {} {}, {} instead of {}; {} of that is {}, {}.",
                     amount_and_percent(change, moment.a.bytes.value()), change > 0 ? "more" : "less",
                     format_bytes(moment.b.bytes), in_a, most ? "most" : "the largest part",
                     quote(holder_name(diff, first)), signed_amount(first.change(), true));
}

std::string partial_note(const DiffSide& side, std::string_view letter) {
  if (!side.knows_peak()) {
    return fmt::format(
        "{} has no trace: what its peak was is not known, so the end alone is compared. To know more, record with "
        "torch.cuda.memory._record_memory_history().",
        letter);
  }
  return fmt::format("The trace of {} begins mid-way: its peaks and counts are of what it recorded.", letter);
}

/// Files with changes that have another name in A.
void add_file_notes(const Diff& diff, const Quote& quote, std::vector<std::string>& notes) {
  constexpr size_t kMost = 5;
  std::set<std::pair<std::string_view, std::string_view>> files;  // in B and in A
  for (const MomentDiff* moment : {diff.peak ? &*diff.peak : nullptr, &diff.end}) {
    if (moment == nullptr) continue;
    for (const auto* changes : {&moment->grew, &moment->shrank}) {
      for (const HolderChange& change : *changes) {
        if (!change.moved) continue;
        const std::string_view in_a = diff.a.trace->strings[diff.a.trace->frames[change.in_a->frame].filename];
        const std::string_view in_b = diff.b.trace->strings[diff.b.trace->frames[change.in_b->frame].filename];
        if (in_a != in_b) files.emplace(in_b, in_a);
      }
    }
  }
  size_t told = 0;
  for (const auto& [in_b, in_a] : files) {
    if (told++ == kMost) break;
    notes.push_back(fmt::format("{} of B is taken for {} of A.", quote(escape_text(in_b)), quote(escape_text(in_a))));
  }
  if (files.size() > kMost) notes.push_back(fmt::format("So are {} other files.", format_count(files.size() - kMost)));
}

}  // namespace

std::string signed_amount(int64_t amount, bool is_size) {
  return fmt::format("{}{}", amount > 0 ? "+" : "", amount_text(amount, is_size));
}

std::string signed_percent(int64_t change, uint64_t from) {
  if (from == 0) return {};
  const std::string percent = percent_text(size_of(change), from);
  return percent.front() == '>' ? percent : fmt::format("{}{}", change < 0 ? "-" : "+", percent);
}

std::string metric_text(const analyze::Metrics& metrics, Metric metric) {
  const auto& value = at(metrics, metric);
  if (!value) return "n/a";
  return is_size(metric) ? format_bytes(Bytes(*value)) : format_count(*value);
}

std::string_view metric_label(Metric metric) {
  std::string_view name = metric_name(metric);
  if (is_size(metric)) name.remove_suffix(std::string_view("_bytes").size());
  return name;
}

std::string side_name(const DiffSide& side) {
  return side.label == "-" ? std::string("standard input") : escape_text(side.label);
}

std::string holder_name(const Diff& diff, const HolderChange& change) {
  const bool by_b = change.in_b != nullptr;
  const analyze::Holder& holder = by_b ? *change.in_b : *change.in_a;
  if (holder.outside) return "(blocks that contradict the segments)";
  const std::string place =
      place_text(by_b ? *diff.b.trace : *diff.a.trace, holder.frame, holder.origin, PlaceDetail::kLine);
  return by_b || holder.frame.is_none() ? place : fmt::format("{}, in A", place);
}

std::string moved_from(const Diff& diff, const HolderChange& change) {
  if (!change.moved) return {};
  const trace::Frame& in_a = diff.a.trace->frames[change.in_a->frame];
  const trace::Frame& in_b = diff.b.trace->frames[change.in_b->frame];
  return in_a.line == in_b.line ? std::string() : fmt::format("line {} in A", in_a.line);
}

std::string diff_headline(const Diff& diff, const Quote& quote) {
  const Metric reserved = diff.peak ? Metric::kPeakReserved : Metric::kNowReserved;
  return failure_sentence(diff) + reserved_sentence(diff, reserved) +
         allocated_sentence(diff, diff.peak ? *diff.peak : diff.end, diff.change(reserved) == 0, quote);
}

std::string gate_reason(const analyze::GateOutcome& outcome) {
  const bool size = is_size(outcome.gate.metric);
  const std::string value = amount_text(static_cast<int64_t>(outcome.b), size);
  const std::string limit = amount_text(outcome.limit, size);
  if (outcome.holds) return fmt::format("{}, at most {} allowed", value, limit);
  return fmt::format("{}, {} over the {} allowed", value,
                     amount_text(static_cast<int64_t>(outcome.b) - outcome.limit, size), limit);
}

std::vector<std::string> diff_notes(const Diff& diff, const Quote& quote) {
  std::vector<std::string> notes;
  add_file_notes(diff, quote, notes);
  if (diff.a.device != diff.b.device) {
    notes.push_back(fmt::format("Device {} of A is compared with device {} of B; --device N takes one of both.",
                                diff.a.device, diff.b.device));
  }
  if (!diff.a.complete || !diff.a.knows_peak()) notes.push_back(partial_note(diff.a, "A"));
  if (!diff.b.complete || !diff.b.knows_peak()) notes.push_back(partial_note(diff.b, "B"));
  if (diff.peak && (diff.a.allocated_is_lower_bound || diff.b.allocated_is_lower_bound)) {
    notes.emplace_back(
        "Blocks over 1 MiB that were freed again may have been up to 1 MiB larger than known: peak_active and "
        "peak_allocated may have been more.");
  }
  return notes;
}

std::vector<std::string> diff_warnings(const Diff& diff) {
  std::vector<std::string> warnings;
  for (const auto& [side, letter] : {std::pair(&diff.a, 'A'), std::pair(&diff.b, 'B')}) {
    for (const std::string& warning : side->warnings) {
      warnings.push_back(fmt::format("{}: {}", letter, escape_text(warning)));
    }
  }
  return warnings;
}

}  // namespace unfrag::report
