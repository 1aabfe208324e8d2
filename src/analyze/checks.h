// Whether a recording adds up: what does not is a warning that names the place, never an abort.
// Threads: pure function.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "analyze/lives.h"
#include "analyze/state.h"
#include "analyze/usage.h"
#include "trace/trace.h"

namespace unfrag::analyze {

/// `states`: moments that were looked at, in which no block may overlap another or lie outside its segment.
std::vector<std::string> find_contradictions(const trace::Trace& trace, const trace::Device& device,
                                             const History& history, const UsageCurves& curves,
                                             std::span<const MemoryState* const> states);

}  // namespace unfrag::analyze
