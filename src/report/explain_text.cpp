#include "report/explain_text.h"

#include <fmt/format.h>

#include <vector>

#include "base/text.h"
#include "report/advice_text.h"
#include "report/growth_text.h"
#include "report/holders_text.h"
#include "report/kinds_text.h"
#include "report/names.h"
#include "report/page.h"
#include "report/usage_text.h"
#include "report/verdict_text.h"
#include "report/where_text.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;

void write_header(Page& page, const Explanation& e) {
  const trace::Trace& trace = *e.trace;
  std::string about = fmt::format("{}: a memory snapshot", display_path(e.path));
  if (trace.dialect.known())
    about += fmt::format(" of PyTorch {}.{} or later", trace.dialect.major, trace.dialect.minor);
  about += fmt::format(", {}", format_bytes(Bytes(e.bytes)));
  if (trace.truncated) about += ", CUT OFF";
  page.paragraph(about);
}

void write_nothing_to_see(Page& page, const Explanation& e) {
  const auto& conf = e.trace->settings.conf;
  if (conf && conf->find("cudaMallocAsync") != std::string::npos) {
    page.paragraph(
        "Nothing to see: the recording was made with backend:cudaMallocAsync, where the driver places the memory "
        "and PyTorch records neither segments nor a trace. Record once without that setting.");
    return;
  }
  page.paragraph(
      "Nothing to see: no segments and no trace. Either nothing had been allocated on a GPU when the snapshot was "
      "taken, or memory did not go through PyTorch's caching allocator (backend:cudaMallocAsync, "
      "PYTORCH_NO_CUDA_MEMORY_CACHING=1, a pluggable allocator).");
}

// What the recording covers, and what to record to know more.
void write_coverage(Page& page, const Explanation& e, const DeviceFindings& d) {
  page.blank();
  if (d.events == 0) {
    page.paragraph(
        "No trace was recorded, so only the moment of the snapshot is known. To know more, record from the start: "
        "torch.cuda.memory._record_memory_history()");
    return;
  }
  std::string said = fmt::format("Recorded: {}, {}.", trace_entries(d.events),
                                 d.complete ? "from the process's first allocation" : "beginning mid-way");
  if (!d.complete) {
    said +=
        " To know more, record from before the first allocation, with a larger max_entries: "
        "torch.cuda.memory._record_memory_history(max_entries=1_000_000)";
  } else if (e.trace->stacks.size() <= 1) {
    said += " To know who holds what, record stacks: torch.cuda.memory._record_memory_history(context=\"all\")";
  }
  page.paragraph(said);
}

void write_device(Page& page, const Explanation& e, const DeviceFindings& d, const TextOptions& options) {
  if (!options.quiet) page.blank();
  // A program that has ended holds nothing: what its end looks like is no verdict on it.
  const bool ended = options.within && d.ooms.empty() && d.verdict.kind != analyze::VerdictKind::kGrowth;
  if (!ended) write_headline(page, Names(e), d);
  if (options.quiet) return;
  if (!ended) write_evidence(page, e, d);
  write_where(page, d);
  write_blockers(page, e, d);
  write_holders(page, e, d, options.top, options.stacks);
  write_kinds(page, d);
  write_growth(page, Names(e), d, options.top);
  write_timeline(page, d);
  write_ooms(page, Names(e), d);
  write_pinned(page, Names(e), d);
  write_coverage(page, e, d);
}

void write_other_devices(Page& page, const Explanation& e) {
  if (e.devices.size() < 2) return;
  page.heading("Other devices in this file");
  for (size_t i = 0; i < e.devices.size(); ++i) {
    if (i == e.chosen) continue;
    const DeviceFindings& d = e.devices[i];
    page.paragraph(
        fmt::format("--device {}: {}, {} reserved, {} allocated, {}{}", d.index, analyze::verdict_name(d.verdict.kind),
                    format_bytes(d.now.usage.reserved), format_bytes(d.now.usage.allocated), trace_entries(d.events),
                    d.ooms.empty() ? "" : ", ran out of memory"),
        2, 4);
  }
}

void write_warnings(Page& page, const Explanation& e) {
  std::vector<std::string> all = e.trace->warnings;
  for (const auto* list : {&e.devices, &e.host}) {
    for (const DeviceFindings& d : *list) {
      for (const std::string& warning : d.warnings) all.push_back(fmt::format("{}: {}", Names::device(d), warning));
    }
  }
  if (all.empty()) return;
  page.heading("Warnings");
  for (const std::string& warning : all) page.paragraph("- " + escape_text(warning), 2, 4);
}

// The command that tells most after this report.
void write_next_command(Page& page, const Explanation& e, bool advised) {
  if (e.devices.empty()) return;
  const DeviceFindings& d = e.devices[e.chosen];
  page.blank();
  const bool grows = d.verdict.kind == analyze::VerdictKind::kGrowth;
  const bool can_replay = d.events > 0 && !grows && !advised;
  page.line("Next: unfrag {} {}", can_replay ? "advise" : "explain --stacks", Names(e).file());
}

}  // namespace

std::string explain_text(const Explanation& e, const TextOptions& options, const advise::Advice* advice) {
  Page page(options.width, options.unicode, options.color);
  if (!options.quiet && !options.within) write_header(page, e);
  if (e.devices.empty() && e.host.empty()) {
    write_nothing_to_see(page, e);
  } else if (!e.devices.empty()) {
    write_device(page, e, e.devices[e.chosen], options);
    if (!options.quiet) write_other_devices(page, e);
  }
  for (const DeviceFindings& host : e.host) write_device(page, e, host, options);
  if (advice != nullptr) {
    page.heading("Which settings help");
    write_advice(page, e, *advice, options.top);
  }
  if (!options.quiet) {
    write_warnings(page, e);
    if (!options.within) write_next_command(page, e, advice != nullptr);
  }
  return std::move(page).take();
}

}  // namespace unfrag::report
