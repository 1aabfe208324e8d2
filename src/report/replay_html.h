// A replay as a fragment of HTML for a notebook: what came of it, and its figures beside those of the recording.
// Threads: pure function.
#pragma once

#include <string>

#include "replay/replayed.h"

namespace unfrag::report {

/// See html.h.
std::string replay_html(const replay::Replayed& replayed);

}  // namespace unfrag::report
