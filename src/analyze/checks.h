// Whether a recording adds up: what does not is a warning that names the place, never an abort.
// Threads: pure function.
#pragma once

#include <string>
#include <vector>

#include "analyze/history.h"
#include "analyze/usage.h"
#include "trace/trace.h"

namespace unfrag::analyze {

std::vector<std::string> find_contradictions(const trace::Trace& trace, const trace::Device& device,
                                             const History& history, const UsageCurves& curves);

}  // namespace unfrag::analyze
