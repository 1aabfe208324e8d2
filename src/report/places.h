// Places in the program, in words: lines, and whole stacks. Everything that came from the file is escaped.
// Threads: pure functions, but for the page.
#pragma once

#include <string>

#include "analyze/user_code.h"
#include "report/page.h"
#include "trace/trace.h"

namespace unfrag::report {

enum class PlaceDetail : uint8_t { kLine, kFunction };

/// "train.py:38 train", or "train.py train" with kFunction; says so where the recording has no place.
std::string place_text(const trace::Trace& trace, trace::FrameIdx frame, analyze::Origin origin, PlaceDetail detail);

/// The frames of a stack, innermost first, a line each.
void write_stack(Page& page, const trace::Trace& trace, trace::StackIdx stack);

}  // namespace unfrag::report
