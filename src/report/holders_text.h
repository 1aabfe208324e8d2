// Who holds the allocated memory. Threads: one page.
#pragma once

#include "report/names.h"
#include "report/page.h"

namespace unfrag::report {

/// The `top` largest holders and the sum of the others; with `stacks` the whole stack of each.
void write_holders(Page& page, const analyze::Explanation& explanation, const analyze::DeviceFindings& findings,
                   size_t top, bool stacks);

}  // namespace unfrag::report
