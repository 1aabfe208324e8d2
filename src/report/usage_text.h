// How much was in use over time, and the requests that failed. Threads: one page.
#pragma once

#include "report/names.h"
#include "report/page.h"

namespace unfrag::report {

void write_timeline(Page& page, const analyze::DeviceFindings& findings);
/// Only where several failed: one is told by the verdict.
void write_ooms(Page& page, const Names& names, const analyze::DeviceFindings& findings);

}  // namespace unfrag::report
