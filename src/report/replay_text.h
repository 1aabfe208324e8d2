// A replay as text for a terminal. Threads: pure function.
#pragma once

#include <string>

#include "replay/replayed.h"
#include "report/explain_text.h"

namespace unfrag::report {

/// Verdict first, then the figures beside those of the recording, the conditions, what was guessed, the next command.
std::string replay_text(const replay::Replayed& replayed, const TextOptions& options);

/// What had to be guessed to replay a recording, a sentence each.
std::vector<std::string> guesses(const replay::Recorded& recorded);

}  // namespace unfrag::report
