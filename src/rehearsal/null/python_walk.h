// The frames of the calling thread, as the interpreter links them.
//
// A thread that is inside C does not change its frames, and nobody else does, so that it may read them whether it holds
// the GIL or not. Threads: safe.
#pragma once

#include <span>

#include "rehearsal/null/python_code.h"

namespace unfrag::null {

/// Where each frame is, innermost first, without those that tracebacks leave out; returns how many there are, at most
/// as many as there is room for. 0 too where the thread has never run Python.
size_t walk_frames(const Python& python, std::span<Spot> spots);

/// Whether the frames of the calling thread are what the layout says: the first walk, which trusts no address.
enum class Fit { kNobodyKnows, kFits, kDoesNot };
Fit check_layout(const Python& python);

}  // namespace unfrag::null
