// Whether a request would have been served, had the growing lines not kept what they gained. Threads: pure function.
#pragma once

#include "analyze/growth.h"
#include "analyze/lives.h"
#include "analyze/request.h"
#include "analyze/state.h"
#include "analyze/user_code.h"

namespace unfrag::analyze {

/// Takes the blocks that the suspects of `growth` have allocated since the first iteration out of `state`: true where
/// then a hole serves the request, or the driver with `device_free` and the segments that become free.
bool served_without_growth(const MemoryState& state, const History& history, const UserCode& user_code,
                           const Growth& growth, const Request& request, Bytes device_free);

}  // namespace unfrag::analyze
