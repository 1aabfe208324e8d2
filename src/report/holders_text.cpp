#include "report/holders_text.h"

#include "base/text.h"
#include "report/holder_table.h"
#include "report/places.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;

void write_row(Page& page, const HolderRow& row, bool is_peak, std::string_view who) {
  const size_t name_width = page.width() - 2 - 2 * (kSizeColumn + 1) - 8;
  page.line("  {} {} {} {}", Page::column(row.at.bytes),
            is_peak ? std::string(kSizeColumn, ' ') : Page::column(row.at_peak.bytes),
            fit_right(format_count(row.at.blocks), 7), page.trimmed(who, name_width));
}

}  // namespace

void write_holders(Page& page, const Explanation& e, const DeviceFindings& d, size_t top, bool stacks) {
  if (d.holders.empty()) return;
  page.heading(holders_title(e.grouping));
  const HolderTable table = holder_table(e, d, top);
  page.line("  {} {} {} {}", fit_right(table.moment, kSizeColumn),
            fit_right(table.is_peak ? "" : "at the peak", kSizeColumn), fit_right("blocks", 7), "");
  for (const HolderRow& row : table.rows) {
    write_row(page, row, table.is_peak, row.who);
    if (stacks) write_stack(page, *e.trace, row.stack);
  }
  if (table.more > 0) {
    write_row(page, table.rest, table.is_peak,
              top == 0 ? fmt::format("all {0}, --top {0} lists them", table.more)
                       : fmt::format("{} more, --top {} lists all", table.more, d.holders.size()));
  }
  write_row(page, table.total, table.is_peak, table.total.who);
}

}  // namespace unfrag::report
