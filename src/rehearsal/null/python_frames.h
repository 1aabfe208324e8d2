// The Python stack of the calling thread, as a stack of the log.
//
// Called from inside PyTorch's allocator, under its lock, mostly without the GIL: it takes no lock that is held while
// Python runs, makes no object, changes no reference count and runs no Python. Of a stack deeper than 128 frames the
// outermost are left out. Threads: safe; no lock where the stack has come before.
#pragma once

#include <cstdint>

namespace unfrag::null {

/// Its number in the log; 0: the thread runs no Python, or a Python whose frames are not understood.
/// Cost: one hash and one look-up a frame.
/// `again`: the thread has called before and has hardly run since, so that the same places are the same stack.
uint32_t current_stack(bool again = false);

}  // namespace unfrag::null
