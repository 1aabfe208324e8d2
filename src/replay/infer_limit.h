// Under which memory limit a recording was made whose garbage collector ran. A file does not name it, but what was
// given back and when does: a replay under too low a limit collects where the recording did not. Threads: safe.
#pragma once

#include <optional>

#include "replay/read_program.h"

namespace unfrag::replay {

struct InferredLimit {
  Bytes limit{};
  Reading reading;  ///< Under that limit.
};

/// Nothing where no garbage collector was on, or where no limit makes the replay agree with more entries than `without`
/// one. Cost: some 20 readings, each up to where it parts from the recording and on.
std::optional<InferredLimit> infer_limit(const trace::Trace& trace, const trace::Device& device, const History& history,
                                         const Conditions& conditions, const Reading& without, Want want);

}  // namespace unfrag::replay
