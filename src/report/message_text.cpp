#include "report/message_text.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/message_words.h"

namespace unfrag::report {
namespace {

using analyze::AmountOrNot;
using analyze::MessageExplanation;
using analyze::MessageFindings;
using trace::OomMessage;
using trace::PrintedOrNot;

std::string source_line(const MessageExplanation& e) {
  const trace::MessageFacts& facts = e.facts;
  std::string line = e.path == "-" ? std::string("standard input") : escape_text(e.path);
  if (facts.message) {
    line += facts.messages == 1 ? ": an out-of-memory message"
                                : fmt::format(": the last of {} out-of-memory messages", format_count(facts.messages));
    if (!facts.message->releases.empty()) line += fmt::format(", as PyTorch {} prints it", facts.message->releases);
  } else {
    line += facts.summaries == 1
                ? ": a memory_summary() table"
                : fmt::format(": the last of {} memory_summary() tables", format_count(facts.summaries));
  }
  if (e.skipped > 0) {
    line += fmt::format("; the first {} of the text were not looked at", format_bytes(Bytes(e.skipped)));
  }
  return line;
}

void verdict(const MessageExplanation& e, Lines& lines) {
  std::string said = fmt::format("Verdict: {}. ", analyze::verdict_name(e.kind()));
  std::string headline = message_headline(e);
  if (headline[0] >= 'a' && headline[0] <= 'z') headline[0] = static_cast<char>(headline[0] - 'a' + 'A');
  said += headline;
  if (e.findings) {
    lines.alarm(said);
  } else {
    lines.paragraph(said);
  }
}

void printed_row(Lines& lines, std::string_view label, const PrintedOrNot& figure, std::string_view note = {}) {
  if (figure) lines.row(label, figure->text, note);
}
void amount_row(Lines& lines, std::string_view label, const AmountOrNot& amount, std::string_view note = {}) {
  if (amount) lines.row(label, about(*amount), note);
}

void process_rows(const OomMessage& message, const MessageFindings& f, Lines& lines) {
  constexpr size_t kMost = 8;
  size_t listed = 0;
  for (const trace::ProcessUse& use : message.processes) {
    if (listed++ == kMost) {
      lines.row(fmt::format("{} more processes", message.processes.size() - kMost), "");
      return;
    }
    const bool self = !use.pid || (f.own_pid && use.pid == f.own_pid);
    const std::string name =
        use.pid ? fmt::format("used by process {}", *use.pid) : std::string("used by this process");
    lines.row(name, use.bytes ? use.bytes->text : std::string("not told"),
              self && use.bytes ? "not only PyTorch's" : "");
  }
}

void figures(const OomMessage& message, const MessageFindings& f, Lines& lines) {
  if (message.form == trace::MessageForm::kBare) return;
  lines.heading(message.device ? fmt::format("What the message says of device {}", *message.device)
                               : std::string("What the message says"));
  printed_row(lines, "asked for", message.requested);
  printed_row(lines, "the device has", message.total);
  printed_row(lines, "free at the driver", message.free);
  process_rows(message, f, lines);
  printed_row(lines, "limit of the process", message.limit);
  printed_row(lines, "allocated", message.allocated, message.private_free ? "with the next line" : "");
  printed_row(lines, "free in private pools", message.private_free, "in fact free");
  printed_row(lines, "other allocations", message.other);
  printed_row(lines, "reserved by PyTorch", message.reserved);
  printed_row(lines, "reserved but unallocated", message.unallocated);
}

void summary_rows(const trace::MemorySummary& summary, const analyze::SummaryFindings& f, Lines& lines) {
  lines.heading(summary.device ? fmt::format("What the table says of device {}", *summary.device)
                               : std::string("What the table says"));
  const auto row = [&](std::string_view label, const trace::SummaryRowOrNot& figures) {
    if (figures) lines.row(label, figures->current.text, fmt::format("peak {}", figures->peak.text));
  };
  row("reserved", summary.reserved);
  row("active", summary.active);
  row("allocated", summary.allocated);
  row("requested", summary.requested);
  row("non-releasable", summary.non_releasable);
  row("segments", summary.segments);
  row("allocations", summary.allocations);
  if (summary.ooms) lines.row("out of memory", format_count(*summary.ooms), "times");
  if (summary.retries) lines.row("cudaMalloc retries", format_count(*summary.retries));
  lines.blank();
  amount_row(lines, "free = reserved - active", f.free);
  amount_row(lines, "in wholly free segments", f.releasable, "empty_cache returns");
  amount_row(lines, "in holes", f.holes, "empty_cache cannot");
}

void sums(const OomMessage& message, const MessageFindings& f, Lines& lines) {
  const bool mps = message.form == trace::MessageForm::kMps;
  if (!message.reserved && message.unallocated) amount_row(lines, "reserved", f.reserved, "allocated and free");
  const bool limited = f.may && message.limit && f.may->value == static_cast<int64_t>(message.limit->value);
  amount_row(lines, "may have", f.may, limited ? "the limit" : "reserved + driver's");
  amount_row(lines, "need", f.need, mps ? "both allocated + asked" : "allocated + asked");
  amount_row(lines, "spare", f.spare, "may have - need");
  if (f.spare) {
    const analyze::Amount off{(f.spare->high - f.spare->low + 1) / 2, 0, 0};
    lines.paragraph(fmt::format("Figures are rounded as printed: spare is right to {} either way.", about(off)), 2, 2);
  }
}

void list(std::string_view title, const std::vector<std::string>& points, Lines& lines) {
  if (points.empty()) return;
  lines.heading(title);
  for (const std::string& point : points) lines.paragraph(fmt::format("- {}", point), 2, 4);
}

void follows(const MessageExplanation& e, Lines& lines) {
  const std::vector<std::string> notes = message_notes(e);
  const bool has_sums = e.findings && (e.findings->need || e.findings->may);
  if (notes.empty() && !has_sums) return;
  lines.heading("What follows");
  if (has_sums) sums(*e.facts.message, *e.findings, lines);
  for (const std::string& note : notes) lines.paragraph(fmt::format("- {}", note), 2, 4);
}

void recording(const OomMessage& message, Lines& lines) {
  const std::vector<std::string> code = record_lines(message);
  if (code.empty()) {
    lines.paragraph("PyTorch keeps no memory history on MPS, so there is no snapshot to record.", 2, 2);
    return;
  }
  for (const std::string& line : code) lines.verbatim(fmt::format("  {}", line));
  lines.blank();
  lines.verbatim("Next: unfrag explain oom.pickle");
}

}  // namespace

std::string message_text(const MessageExplanation& explanation, const WrapOptions& options, bool quiet) {
  Lines lines(options);
  if (quiet) {
    verdict(explanation, lines);
    return std::move(lines).take();
  }
  lines.paragraph(source_line(explanation));
  lines.blank();
  verdict(explanation, lines);
  const trace::MessageFacts& facts = explanation.facts;
  if (facts.message) figures(*facts.message, *explanation.findings, lines);
  if (facts.summary) summary_rows(*facts.summary, *explanation.on_summary, lines);
  follows(explanation, lines);
  list("What cannot be told from this text", cannot_tell(explanation), lines);
  lines.heading("To find out, record the next run");
  recording(facts.message.value_or(OomMessage{}), lines);
  return std::move(lines).take();
}

std::string recording_text(const WrapOptions& options) {
  Lines lines(options);
  lines.paragraph(
      "Nothing was given to explain. Name a snapshot, or give the text of an error: unfrag explain --message FILE "
      "(- for standard input).");
  lines.heading("To record a snapshot");
  recording({}, lines);
  return std::move(lines).take();
}

}  // namespace unfrag::report
