// Which blocks of the allocator are workspaces of cuDNN, as the log tells: so that the parent knows what the peak rests
// on. Threads: safe.
#pragma once

#include <cstdint>

namespace unfrag::null {

/// The block at `addr` is one; `asked`: cuDNN itself said how large, else a rule.
void log_workspace(uint64_t addr, bool asked);

/// A rule has answered this thread that a workspace needs so much: the next block of exactly that size is it.
void expect_workspace(uint64_t bytes);
/// This thread was given a block.
void note_allocation(uint64_t addr, uint64_t bytes);

}  // namespace unfrag::null
