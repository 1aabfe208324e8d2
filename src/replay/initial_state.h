// The state in which a recording that begins mid-way finds the allocator, as far as what follows implies it.
// Threads: pure functions.
#pragma once

#include <vector>

#include "replay/history.h"
#include "replay/pool_finder.h"
#include "replay/program.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// Runs of memory by address, each with the blocks that were in use. What a large block of a plain segment had beyond
/// its rounded request is inferred: a gap too small to be free is the block's, and a later request that begins within
/// the next MiB begins where the block ends. `large_page`: of the large pool in the recording. `guessed`:
/// raised by the blocks whose size nothing settles.
std::vector<InitialRun> find_initial_state(const trace::Trace& trace, const trace::Device& device,
                                           const History& history, const PoolFinder& pools, Bytes large_page,
                                           uint64_t& guessed);

}  // namespace unfrag::replay
