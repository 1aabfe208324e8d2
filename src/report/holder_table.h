// Who holds the allocated memory, as the rows of a table for any report. Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analyze/explanation.h"

namespace unfrag::report {

struct HolderRow {
  std::string who;  ///< Escaped.
  analyze::Held at;
  analyze::Held at_peak;
  trace::StackIdx stack = trace::kEmptyStack;
};

struct HolderTable {
  std::string_view moment;  ///< "at the OOM", "now", "then".
  bool is_peak = false;     ///< The moment is the peak: both columns are the same.
  std::vector<HolderRow> rows;
  uint64_t more = 0;  ///< Holders beyond the rows,
  HolderRow rest;     ///< ... and their sums.
  HolderRow total;
};

HolderTable holder_table(const analyze::Explanation& explanation, const analyze::DeviceFindings& findings, size_t top);

/// "Who holds the allocated memory, by line".
std::string holders_title(analyze::Grouping grouping);
/// The moment a report is about, over a column of figures.
std::string_view moment_column(analyze::Moment::Kind kind);

}  // namespace unfrag::report
