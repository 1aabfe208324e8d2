// Where the bytes of a moment are: the bar, the sums, the pools, and the segments that cannot go back.
// Threads: one page.
#pragma once

#include "report/names.h"
#include "report/page.h"

namespace unfrag::report {

/// Of a moment within a recording whose sizes are lower bounds.
std::string lower_bound_note();

void write_where(Page& page, const analyze::DeviceFindings& findings);
void write_pinned(Page& page, const Names& names, const analyze::DeviceFindings& findings);

}  // namespace unfrag::report
