// The parts of a rehearsal's text about its processes: who used the device, what they need together, and whose log is
// not whole. Threads: pure functions of a page.
#pragma once

#include "report/page.h"
#include "report/rehearsal.h"

namespace unfrag::report {

/// Nothing where there is one process.
void write_processes(Page& page, const Rehearsal& rehearsal);
/// Nothing where all logs are whole.
void write_incomplete(Page& page, const Rehearsal& rehearsal);

}  // namespace unfrag::report
