// A replay as JSON, schema unfrag.replay/1 (docs/format/replay.md). Threads: pure function.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "replay/replayed.h"

namespace unfrag::report {

/// One line without the line feed; with the curves and the speed where the replay has them.
std::string replay_json(const replay::Replayed& replayed);

/// PyTorch's own statistics under its own names.
nlohmann::ordered_json statistics_json(const alloc::Statistics& statistics);
/// Under what a replay ran.
nlohmann::ordered_json conditions_json(const replay::Conditions& conditions, const replay::Recorded& recorded);
/// What had to be guessed, in figures.
nlohmann::ordered_json guesses_json(const replay::Recorded& recorded);

}  // namespace unfrag::report
