// Where two Traces differ, by what they say and not by the order in which they say it first: indices may be others.
// Threads: pure function.
#pragma once

#include <string>

#include "trace/trace.h"

namespace unfrag::trace {

/// The first difference in words; empty where there is none.
std::string difference(const Trace& a, const Trace& b);

}  // namespace unfrag::trace
