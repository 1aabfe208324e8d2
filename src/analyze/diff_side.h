// A recording as a side of a comparison. Threads: pure function.
#pragma once

#include "analyze/diff.h"
#include "analyze/explanation.h"

namespace unfrag::analyze {

/// Of the device that the explanation is about. Without a trace only the end is known; what no recording tells, such
/// as num_alloc_retries, is unknown. Requires: explanation.devices is not empty, its holders are grouped by line.
DiffSide side_of(const Explanation& explanation);

}  // namespace unfrag::analyze
