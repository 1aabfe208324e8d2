// The first part of a report: the verdict, the figures that prove it, and what stands in the way. Threads: one page.
#pragma once

#include "report/names.h"
#include "report/page.h"

namespace unfrag::report {

/// The sentence alone.
void write_headline(Page& page, const Names& names, const analyze::DeviceFindings& findings);
/// May have, would need, spare; nothing where the verdict is about no request.
void write_evidence(Page& page, const analyze::Explanation& explanation, const analyze::DeviceFindings& findings);
/// The blocks whose release would let the request through.
void write_blockers(Page& page, const analyze::Explanation& explanation, const analyze::DeviceFindings& findings);

}  // namespace unfrag::report
