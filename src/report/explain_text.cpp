#include "report/explain_text.h"

#include <fmt/format.h>

#include <vector>

#include "report/advice_text.h"
#include "report/explain_words.h"
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
  page.blank();
  page.paragraph(coverage(e, d));
}

void write_other_devices(Page& page, const Explanation& e) {
  if (e.devices.size() < 2) return;
  page.heading("Other devices in this file");
  for (size_t i = 0; i < e.devices.size(); ++i) {
    if (i == e.chosen) continue;
    page.paragraph(fmt::format("--device {}: {}", e.devices[i].index, device_summary(e.devices[i])), 2, 4);
  }
}

void write_warnings(Page& page, const Explanation& e) {
  const std::vector<std::string> all = all_warnings(e);
  if (all.empty()) return;
  page.heading("Warnings");
  for (const std::string& warning : all) page.paragraph("- " + warning, 2, 4);
}

// The command that tells most after this report.
void write_next_command(Page& page, const Explanation& e, bool advised) {
  if (e.devices.empty()) return;
  page.blank();
  const bool advise = !advised && worth_advising(e.devices[e.chosen]);
  page.line("Next: unfrag {} {}", advise ? "advise" : "explain --stacks", Names(e).file());
}

}  // namespace

std::string explain_text(const Explanation& e, const TextOptions& options, const advise::Advice* advice) {
  Page page(options.width, options.unicode, options.color);
  if (!options.quiet && !options.within) page.paragraph(about_recording(e));
  if (e.devices.empty() && e.host.empty()) {
    page.paragraph(nothing_to_see(e));
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
