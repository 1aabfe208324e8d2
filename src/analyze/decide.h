// Which verdict a device gets, and what stands in the way: of the request asked about, else of the last one that
// failed, else of the end. Threads: pure function.
#pragma once

#include "analyze/explanation.h"

namespace unfrag::analyze {

/// Fills the verdicts and blockers of `findings`, which has its failed requests, growth and sums already.
/// `at`: the state the report is about. `now`: the state at the end.
void decide(const trace::Trace& trace, const trace::Device& device, const History& history, const UserCode& user_code,
            const ExamineOptions& options, const MemoryState& at, const MemoryState& now, DeviceFindings& findings);

}  // namespace unfrag::analyze
