// A recording replayed as it was made, or under other settings and on another device: one question, one answer.
//
// The answer is values for any report. What-ifs run the program with addresses in other orders too, so that a result
// which hangs on addresses is not taken for a fact. Threads: safe; the Trace must outlive the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "replay/replay.h"

namespace unfrag::replay {

/// Replays ask for more than reading does.
struct Question {
  ReadOptions read;
  /// Replaces the recorded settings. Nothing: as recorded.
  std::optional<alloc::Settings> settings;
};

struct Answer {
  Recorded recorded;
  Conditions conditions;  ///< Of the outcome.
  bool what_if = false;   ///< The conditions are not those of the recording.
  Outcome outcome;
  /// Of a what-if with addresses in other orders, where that makes a difference to the figures.
  std::vector<std::pair<Direction, Outcome>> other_orders;
};

/// Errors: those of read_recording.
Result<Answer> replay(const trace::Trace& trace, const trace::Device& device, const History& history,
                      const Question& question);

/// Under what the recorded program would run with `settings`: on the card asked about, else on what it had.
Conditions conditions_with(const Recorded& recorded, const Card& card, const alloc::Settings& settings);

}  // namespace unfrag::replay
