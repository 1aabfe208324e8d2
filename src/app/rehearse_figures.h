// What a rehearsal's report says in figures of one device: PyTorch's statistics by a replay that agrees with every
// entry, else what the entries say themselves. A figure of a replay that differs is never one of them.
// Threads: pure function.
#pragma once

#include "replay/replay.h"
#include "report/rehearsal.h"

namespace unfrag::app {

/// `history` gets the block sizes that are known as far as the replay agrees.
report::Figures find_figures(const trace::Trace& log, const trace::Device& device, const replay::ReadOptions& read,
                             const replay::Recorded& recorded, replay::History& history);

}  // namespace unfrag::app
