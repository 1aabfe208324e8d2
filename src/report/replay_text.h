// A replay as text for a terminal. Threads: pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "replay/replayed.h"
#include "report/explain_text.h"

namespace unfrag::report {

/// Verdict first, then the figures beside those of the recording, the conditions, what was guessed, the next command.
std::string replay_text(const replay::Replayed& replayed, const TextOptions& options);

/// What came of it, in a sentence.
std::string replay_headline(const replay::Replayed& replayed);
/// How far the figures of a what-if can be trusted.
std::string replay_trust(const replay::Recorded& recorded);

/// A figure of the recording as replayed and, of a what-if, of that.
struct ReplayRow {
  std::string_view name;
  std::string first;
  std::string second{};
};
std::vector<ReplayRow> replay_rows(const replay::Answer& answer);

/// What had to be guessed to replay a recording, a sentence each.
std::vector<std::string> guesses(const replay::Recorded& recorded);

}  // namespace unfrag::report
