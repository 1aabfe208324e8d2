// What kind of memory it is, at the moment of the report and at the peak. Threads: one page.
#pragma once

#include "analyze/explanation.h"
#include "report/page.h"

namespace unfrag::report {

/// The kinds that are there; nothing where none is known at all.
void write_kinds(Page& page, const analyze::DeviceFindings& findings);

}  // namespace unfrag::report
