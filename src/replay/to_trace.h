// What a replay did, as a Trace: whatever reads a recording reads a replay (ARCHITECTURE.md, Closure).
//
// One device. Its entries are those of the log, each with the stack, notes and time of the recorded entry it stands for
// (entry_sources.h), and the state that the runner ended in (final_state.h). What a replay does not produce stays where
// it was among the entries it stood between: previous snapshots as they were recorded (their size is the recording's),
// notes on live blocks (annotate) at the address that the block now has, entries of unknown actions. User annotations,
// warnings and the dialect are the recording's: what it could not say (pools in entries before 2.12), this does not
// say. Where a recording was told to leave out kinds of entries, this has them. Cost: linear in entries, and O(n log n)
// in blocks. Threads: pure function.
#pragma once

#include "replay/log.h"
#include "replay/program.h"
#include "replay/runner.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// `program` is of `device` of `recorded`; `runner` has run it to the end, and `log` is what it did. The settings are
/// those of the runner: the recording's own values and text where they are the same, else its text is made anew.
trace::Trace to_trace(const trace::Trace& recorded, const trace::Device& device, const Program& program,
                      const Runner& runner, const Log& log);

}  // namespace unfrag::replay
