// A recording as it would have been under other settings or on another device, explained like a recording.
// Threads: calls share nothing.
#pragma once

#include <optional>
#include <string>

#include "app/explain.h"
#include "replay/replayed.h"

namespace unfrag::app {

/// What the allocator did in a replay, as a recording of its own, whose path says what it is.
Recording recording_of(const replay::Replayed& replayed);

/// `explanation`: of the recording. `conf`: as in ReplayOptions; `options.read.card`: the device. The path of the
/// result says what it is. Errors: kUsage where conf or card change nothing or make no sense, kBadInput where there is
/// nothing to replay.
Result<analyze::Explanation> explain_what_if(const analyze::Explanation& explanation,
                                             const std::optional<std::string>& conf, const ExplainOptions& options);

}  // namespace unfrag::app
