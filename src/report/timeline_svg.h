// A device's memory over its recording as a picture: what was allocated, requested and reserved, where requests failed,
// and the peaks with their exact bytes. Threads: pure function.
#pragma once

#include <string>

#include "analyze/explanation.h"

namespace unfrag::report {

/// An <svg> element for a page or a file of its own (svg.h); under 20 KB however long the recording. Without trace
/// entries a sentence that says so.
std::string timeline_svg(const analyze::DeviceFindings& findings);

}  // namespace unfrag::report
