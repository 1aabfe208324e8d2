#include "report/holder_table.h"

#include <fmt/format.h>

#include <array>

#include "report/names.h"

namespace unfrag::report {
namespace {

void add(analyze::Held& sum, const analyze::Held& held) {
  sum.bytes += held.bytes;
  sum.blocks += held.blocks;
}

}  // namespace

std::string_view moment_column(analyze::Moment::Kind kind) {
  return kind == analyze::Moment::kOom ? "at the OOM" : kind == analyze::Moment::kEnd ? "now" : "then";
}

std::string holders_title(analyze::Grouping grouping) {
  constexpr std::array<const char*, 4> kTitles = {"line", "function", "stream", "segment"};
  return fmt::format("Who holds the allocated memory, by {}", kTitles[static_cast<size_t>(grouping)]);
}

HolderTable holder_table(const analyze::Explanation& e, const analyze::DeviceFindings& d, size_t top) {
  HolderTable table;
  table.moment = moment_column(d.at_kind);
  table.is_peak = d.at_entry == d.curves.allocated.entry;
  table.total.who = "TOTAL";
  const Names names(e);
  for (const analyze::Holder& holder : d.holders) {
    add(table.total.at, holder.at);
    add(table.total.at_peak, holder.at_peak);
    if (table.rows.size() < top) {
      table.rows.push_back({names.holder(holder), holder.at, holder.at_peak, holder.stack});
    } else {
      ++table.more;
      add(table.rest.at, holder.at);
      add(table.rest.at_peak, holder.at_peak);
    }
  }
  return table;
}

}  // namespace unfrag::report
