// Replays a recording: as it was, to prove the model, or under other settings, to see what would have been.
//
// `read_recording` finds the program and says how far the replay agrees; `run_program` runs it under any conditions.
// Threads: safe; one Recorded serves many runs at once.
#pragma once

#include <cstdint>
#include <optional>

#include "alloc/caching_policy.h"
#include "base/result.h"
#include "replay/card.h"
#include "replay/history.h"
#include "replay/log.h"
#include "replay/read_program.h"
#include "replay/setup.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// How a recording is to be read.
struct ReadOptions {
  Card card{};
  std::optional<alloc::Version> version{};  ///< Else inferred from the file.
  std::optional<Direction> direction{};
  Want want = Want::kProgram;
};

/// A recording as a program, and the conditions under which it was read.
struct Recorded {
  Reading reading;
  Conditions conditions;
  alloc::Version version;
  bool complete = false;  ///< The recording begins at the process's first allocation.
  /// The card contradicts the recording, which agrees with a replay without it: it asks what would have been.
  bool card_is_what_if = false;
  Bytes file_reserved_peak{};   ///< Most reserved at once by the entries themselves: what a guess is measured with.
  bool limit_inferred = false;  ///< From when the garbage collector ran: the conditions' limit is no given one.
  /// The card's limits, else those of `conditions`.
  Limits asked;

  /// How far the replay's peak of reserved memory is off, in percent of the recording's.
  [[nodiscard]] double reserved_error_percent() const;
  /// Every entry is reproduced, from the first allocation on.
  [[nodiscard]] bool exact() const { return complete && !reading.divergence; }
};

/// Errors: those of read_program.
Result<Recorded> read_recording(const trace::Trace& trace, const trace::Device& device, const History& history,
                                const ReadOptions& options);

/// Figures of a replay that agrees with the whole recording: PyTorch's own.
struct Settled {
  alloc::Statistics statistics;
  bool releases_guessed = false;  ///< Whether releases were the program's or retries is a guess.
};

/// Gives the lives of `history` the sizes that their blocks have in the replay, as far as it agrees with a recording
/// that is complete. Where that is to the end no size is a lower bound any more, and the figures are PyTorch's own.
std::optional<Settled> settle_sizes(const trace::Trace& trace, const trace::Device& device, const ReadOptions& options,
                                    History& history);

/// What a run comes to.
struct Outcome {
  alloc::Statistics statistics;
  uint64_t rescued = 0;        ///< Requests that the recording refused and the run served.
  uint64_t newly_refused = 0;  ///< ... and the other way round.
  bool operator==(const Outcome&) const = default;
};

/// Whether two runs come to the same in what a user sees: memory reserved, requests served, calls to the device.
bool same_figures(const Outcome& a, const Outcome& b);

/// Runs the program; entries go to `log` unless it is null.
Outcome run_program(const Program& program, const Conditions& conditions, Log* log);

}  // namespace unfrag::replay
