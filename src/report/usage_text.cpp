#include "report/usage_text.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "report/bars.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;

constexpr size_t kMostOoms = 5;

struct Curve {
  const char* name;
  Bytes analyze::Usage::* member;
  const analyze::Peak& peak;
  bool drawn;
};

void write_peak(Page& page, const Curve& curve, bool lower_bound) {
  const std::string entry = curve.peak.entry == analyze::kBefore
                                ? std::string("at the start")
                                : fmt::format("entry {}", format_count(curve.peak.entry));
  page.line("  peak {} {}{}  {}", fit_left(curve.name, 9, page.unicode()), Page::column(curve.peak.bytes),
            lower_bound ? " or more" : "        ", entry);
}

}  // namespace

void write_timeline(Page& page, const DeviceFindings& d) {
  const analyze::UsageCurves& c = d.curves;
  if (c.timeline.size() < 2) return;
  const uint64_t full = std::max(c.reserved.bytes, c.active.bytes).value();
  page.heading(
      fmt::format("Over time, from the first entry to the last; full height is {}", format_bytes(Bytes(full))));
  const std::array curves = {Curve{"reserved", &analyze::Usage::reserved, c.reserved, true},
                             Curve{"active", &analyze::Usage::active, c.active, false},
                             Curve{"allocated", &analyze::Usage::allocated, c.allocated, true},
                             Curve{"requested", &analyze::Usage::requested, c.requested, false}};
  for (const Curve& curve : curves) {
    if (!curve.drawn) continue;
    std::vector<uint64_t> values;
    values.reserve(c.timeline.size());
    for (const analyze::TimelinePoint& point : c.timeline) values.push_back((point.highest.*curve.member).value());
    page.line("  {} {}", fit_left(curve.name, 9, page.unicode()),
              draw_sparkline(values, full, page.width() - 12, page.unicode()));
  }
  for (const Curve& curve : curves) {
    const bool of_blocks = curve.member == &analyze::Usage::active || curve.member == &analyze::Usage::allocated;
    write_peak(page, curve, d.allocated_is_lower_bound && of_blocks);
  }
}

void write_ooms(Page& page, const Names& names, const DeviceFindings& d) {
  if (d.ooms.size() < 2) return;
  page.heading("Requests that failed");
  const size_t place_width = page.width() - 2 - 9 - 2 * (kSizeColumn + 1) - 15 - 1;
  page.line("  {} {} {} {} {}", fit_right("entry", 9), fit_right("requested", kSizeColumn),
            fit_right("driver left", kSizeColumn), fit_left("verdict", 13, page.unicode()), "by");
  const size_t skipped = d.ooms.size() > kMostOoms ? d.ooms.size() - kMostOoms : 0;
  if (skipped > 0) page.line("  {} earlier ones", format_count(skipped));
  for (size_t i = skipped; i < d.ooms.size(); ++i) {
    const analyze::FailedRequest& oom = d.ooms[i];
    page.line("  {} {} {} {} {}", fit_right(format_count(oom.entry), 9), Page::column(oom.rounded),
              oom.device_free ? Page::column(*oom.device_free) : fit_right("unknown", kSizeColumn),
              fit_left(analyze::verdict_name(analyze::verdict_of(d, i).kind), 13, page.unicode()),
              page.trimmed(names.place(oom.stack), place_width));
  }
}

}  // namespace unfrag::report
