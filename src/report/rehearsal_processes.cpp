#include "report/rehearsal_processes.h"

#include <algorithm>

#include "base/text.h"

namespace unfrag::report {
namespace {

constexpr size_t kMostProcesses = 16;
constexpr size_t kMostIncomplete = 4;
constexpr size_t kBeforeCommand = 37;  // columns of a process's line

// "Together 3 of them hold at most 7.00 GiB of device 0 at once"
void write_sum(Page& page, const Together& one, const Rehearsal& r) {
  if (one.most_at_once < 2) return;
  std::string said =
      fmt::format("Together they hold {}{} of device {} at once ({} processes, each with a CUDA context beside it).",
                  one.is_upper_bound ? "at most " : "", format_bytes(one.peak_reserved), one.index, one.most_at_once);
  if (one.is_upper_bound) {
    said += " Nobody knows when one of them ended: what it had is counted to the end.";
  }
  if (!one.fits) {
    said += fmt::format(" Each was rehearsed on a device of its own; one of {} for all has no room for that.",
                        format_bytes(r.total));
  }
  page.paragraph(said, 2, 2, one.fits ? Emphasis::kNone : Emphasis::kAlarm);
}

}  // namespace

void write_processes(Page& page, const Rehearsal& r) {
  if (r.processes.size() < 2) return;
  page.paragraph(
      fmt::format("{} processes used the device; the rest is about the one with the highest peak, process {}.",
                  r.processes.size(), r.processes.front().process));
  const size_t shown = std::min(r.processes.size(), kMostProcesses);
  page.line("  {:<12} {:>6} {:>13}  {}", "process", "device", "peak reserved", "command");
  for (size_t i = 0; i < shown; ++i) {
    const ProcessFigures& process = r.processes[i];
    for (const auto& [index, peak] : process.devices) {
      page.line("  {:<12} {:>6} {:>13}  {}", process.process, index, format_bytes(peak),
                page.trimmed(process.command, std::max(page.width(), 2 * kBeforeCommand) - kBeforeCommand));
    }
    if (process.num_ooms > 0) page.line("  {:<12}   {} failed", "", plural(process.num_ooms, "request"));
  }
  if (shown < r.processes.size()) {
    page.line("  {} more (--format json has all).", r.processes.size() - shown);
  }
  for (const Together& one : r.together) write_sum(page, one, r);
}

void write_incomplete(Page& page, const Rehearsal& r) {
  for (size_t i = 0; i < std::min(r.incomplete.size(), kMostIncomplete); ++i) {
    const Incomplete& one = r.incomplete[i];
    std::string said = fmt::format("The recording of a process ends early: {}.", one.what);
    if (one.lost) said += fmt::format(" {} entries are missing.", format_count(*one.lost));
    page.paragraph(fmt::format("{} The figures are of what there is, and not exact. Try {}.", said, one.action), 0, 2,
                   Emphasis::kAlarm);
  }
  if (r.incomplete.size() > kMostIncomplete) {
    page.line("{} more (--format json has all).", r.incomplete.size() - kMostIncomplete);
  }
}

}  // namespace unfrag::report
