#include "report/holders_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "report/places.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;

void add(analyze::Held& sum, const analyze::Held& held) {
  sum.bytes += held.bytes;
  sum.blocks += held.blocks;
}

void write_row(Page& page, const analyze::Held& at, const analyze::Held& peak, bool same, std::string_view who) {
  const size_t name_width = page.width() - 2 - 2 * (kSizeColumn + 1) - 8;
  page.line("  {} {} {} {}", Page::column(at.bytes), same ? std::string(kSizeColumn, ' ') : Page::column(peak.bytes),
            fit_right(format_count(at.blocks), 7), page.trimmed(who, name_width));
}

}  // namespace

void write_holders(Page& page, const Explanation& e, const DeviceFindings& d, size_t top, bool stacks) {
  if (d.holders.empty()) return;
  constexpr std::array<const char*, 4> kTitles = {"line", "function", "stream", "segment"};
  page.heading(fmt::format("Who holds the allocated memory, by {}", kTitles[static_cast<size_t>(e.grouping)]));
  const bool same = d.at_entry == d.curves.allocated.entry;
  const std::string at = d.at_kind == analyze::Moment::kOom   ? "at the OOM"
                         : d.at_kind == analyze::Moment::kEnd ? "now"
                                                              : "then";
  page.line("  {} {} {} {}", fit_right(at, kSizeColumn), fit_right(same ? "" : "at the peak", kSizeColumn),
            fit_right("blocks", 7), "");
  const Names names(e);
  analyze::Held at_rest, peak_rest, at_total, peak_total;
  const size_t listed = std::min(top, d.holders.size());
  for (size_t i = 0; i < d.holders.size(); ++i) {
    const analyze::Holder& holder = d.holders[i];
    add(at_total, holder.at);
    add(peak_total, holder.at_peak);
    if (i >= listed) {
      add(at_rest, holder.at);
      add(peak_rest, holder.at_peak);
      continue;
    }
    write_row(page, holder.at, holder.at_peak, same, names.holder(holder));
    if (stacks) write_stack(page, *e.trace, holder.stack);
  }
  if (listed < d.holders.size()) {
    const size_t more = d.holders.size() - listed;
    write_row(page, at_rest, peak_rest, same,
              listed == 0 ? fmt::format("all {}, --top {} lists them", more, more)
                          : fmt::format("{} more, --top {} lists all", more, d.holders.size()));
  }
  write_row(page, at_total, peak_total, same, "TOTAL");
}

}  // namespace unfrag::report
