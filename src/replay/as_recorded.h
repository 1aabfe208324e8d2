// Runs a program as it was recorded: where the recording leaves the device a choice, as the device chose then.
// Threads: pure function of all but the runner.
#pragma once

#include "replay/history.h"
#include "replay/program.h"
#include "replay/runner.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// Runs all of the program: new segments lie where those of the recording lie, and blocks that wait for other streams
/// complete in its order where something waits for all of them. `runner` must be new and of the same program under the
/// conditions it was read under; where the two diverge, segments could come to lie on top of one another.
void run_as_recorded(Runner& runner, const Program& program, const trace::Trace& trace, const trace::Device& device,
                     const History& history);

}  // namespace unfrag::replay
