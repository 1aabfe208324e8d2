// The tables of what was found: holders, and memory over time. docs/format/tables.md describes them.
// Threads: safe; the tables share no mutable state.
#pragma once

#include <memory>

#include "analyze/explanation.h"
#include "table/table.h"

namespace unfrag::table {

/// A row a holder of the chosen device, in the order of the report; none where the recording has no GPU.
/// What it reads of `explanation` it keeps alive.
Table holders_table(const analyze::Explanation& explanation);

/// A row a stretch of the chosen device's recording: its last entry, and the highest of each curve within it.
Table timeline_table(const analyze::Explanation& explanation);

}  // namespace unfrag::table
