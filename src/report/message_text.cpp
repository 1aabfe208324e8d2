#include "report/message_text.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/message_words.h"
#include "report/page.h"

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
    line += facts.messages == 1
                ? ": an out-of-memory message"
                : fmt::format(": the last{} of {} out-of-memory messages",
                              facts.later.count == 0 ? "" : " with figures", format_count(facts.messages));
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

void verdict(const MessageExplanation& e, Page& page) {
  std::string said = fmt::format("Verdict: {}. ", analyze::verdict_name(e.kind()));
  std::string headline = message_headline(e);
  if (headline[0] >= 'a' && headline[0] <= 'z') headline[0] = static_cast<char>(headline[0] - 'a' + 'A');
  said += headline;
  if (e.findings) {
    page.paragraph(said, 0, 2, Emphasis::kAlarm);
  } else {
    page.paragraph(said);
  }
}

void printed_row(Page& page, std::string_view label, const PrintedOrNot& figure, std::string_view note = {}) {
  if (figure) page.row(label, figure->text, note);
}
void amount_row(Page& page, std::string_view label, const AmountOrNot& amount, std::string_view note = {}) {
  if (amount) page.row(label, about(*amount), note);
}

void process_rows(const OomMessage& message, const MessageFindings& f, Page& page) {
  constexpr size_t kMost = 8;
  size_t listed = 0;
  for (const trace::ProcessUse& use : message.processes) {
    if (listed++ == kMost) {
      page.row(fmt::format("{} more processes", message.processes.size() - kMost), "");
      return;
    }
    const bool self = !use.pid || (f.own_pid && use.pid == f.own_pid);
    const std::string name =
        use.pid ? fmt::format("used by process {}", *use.pid) : std::string("used by this process");
    page.row(name, use.bytes ? use.bytes->text : std::string("not told"),
             self && use.bytes ? "not only PyTorch's" : "");
  }
}

void figures(const OomMessage& message, const MessageFindings& f, Page& page) {
  if (message.form == trace::MessageForm::kBare) return;
  page.heading(message.device ? fmt::format("What the message says of device {}", *message.device)
                              : std::string("What the message says"));
  printed_row(page, "asked for", message.requested);
  printed_row(page, "the device has", message.total);
  printed_row(page, "free at the driver", message.free);
  process_rows(message, f, page);
  printed_row(page, "limit of the process", message.limit);
  printed_row(page, "allocated", message.allocated, message.private_free ? "with the next line" : "");
  printed_row(page, "free in private pools", message.private_free, "in fact free");
  printed_row(page, "other allocations", message.other);
  printed_row(page, "reserved by PyTorch", message.reserved);
  printed_row(page, "reserved but unallocated", message.unallocated);
}

void summary_rows(const trace::MemorySummary& summary, const analyze::SummaryFindings& f, Page& page) {
  page.heading(summary.device ? fmt::format("What the table says of device {}", *summary.device)
                              : std::string("What the table says"));
  const auto row = [&](std::string_view label, const trace::SummaryRowOrNot& figures) {
    if (figures) page.row(label, figures->current.text, fmt::format("peak {}", figures->peak.text));
  };
  row("reserved", summary.reserved);
  row("active", summary.active);
  row("allocated", summary.allocated);
  row("requested", summary.requested);
  row("non-releasable", summary.non_releasable);
  row("segments", summary.segments);
  row("allocations", summary.allocations);
  if (summary.ooms) page.row("out of memory", format_count(*summary.ooms), "times");
  if (summary.retries) page.row("cudaMalloc retries", format_count(*summary.retries));
  page.blank();
  amount_row(page, "free = reserved - active", f.free);
  amount_row(page, "in wholly free segments", f.releasable, "empty_cache returns");
  amount_row(page, "in holes", f.holes, "empty_cache cannot");
}

void sums(const OomMessage& message, const MessageFindings& f, Page& page) {
  const bool mps = message.form == trace::MessageForm::kMps;
  if (!message.reserved && message.unallocated) amount_row(page, "reserved", f.reserved, "allocated and free");
  const bool limited = f.may && message.limit && f.may->value == static_cast<int64_t>(message.limit->value);
  amount_row(page, "may have", f.may, limited ? "the limit" : "reserved + driver's");
  amount_row(page, "need", f.need, mps ? "both allocated + asked" : "allocated + asked");
  amount_row(page, "spare", f.spare, "may have - need");
  if (f.spare) {
    const analyze::Amount off{(f.spare->high - f.spare->low + 1) / 2, 0, 0};
    page.paragraph(fmt::format("Figures are rounded as printed: spare is right to {} either way.", about(off)), 2, 2);
  }
}

void list(std::string_view title, const std::vector<std::string>& points, Page& page) {
  if (points.empty()) return;
  page.heading(title);
  for (const std::string& point : points) page.paragraph(fmt::format("- {}", point), 2, 4);
}

void follows(const MessageExplanation& e, Page& page) {
  const std::vector<std::string> notes = message_notes(e);
  const bool has_sums = e.findings && (e.findings->need || e.findings->may);
  if (notes.empty() && !has_sums) return;
  page.heading("What follows");
  if (has_sums) sums(*e.facts.message, *e.findings, page);
  for (const std::string& note : notes) page.paragraph(fmt::format("- {}", note), 2, 4);
}

void recording(const OomMessage& message, Page& page) {
  const std::vector<std::string> code = record_lines(message);
  if (code.empty()) {
    page.paragraph("PyTorch keeps no memory history on MPS, so there is no snapshot to record.", 2, 2);
    return;
  }
  for (const std::string& line : code) page.line("  {}", line);
  page.blank();
  page.line("Next: unfrag explain oom.pickle");
}

}  // namespace

std::string message_text(const MessageExplanation& explanation, const TextOptions& options) {
  Page page(options.width, options.unicode, options.color);
  if (options.quiet) {
    verdict(explanation, page);
    return std::move(page).take();
  }
  page.paragraph(source_line(explanation));
  page.blank();
  verdict(explanation, page);
  const trace::MessageFacts& facts = explanation.facts;
  if (facts.message) figures(*facts.message, *explanation.findings, page);
  if (facts.summary) summary_rows(*facts.summary, *explanation.on_summary, page);
  follows(explanation, page);
  list("What cannot be told from this text", cannot_tell(explanation), page);
  page.heading("To find out, record the next run");
  recording(facts.message.value_or(OomMessage{}), page);
  return std::move(page).take();
}

std::string recording_text(const TextOptions& options) {
  Page page(options.width, options.unicode, options.color);
  page.paragraph(
      "Nothing was given to explain. Name a snapshot, or give the text of an error: unfrag explain --message FILE "
      "(- for standard input).");
  page.heading("To record a snapshot");
  recording({}, page);
  return std::move(page).take();
}

}  // namespace unfrag::report
