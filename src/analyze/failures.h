// The requests that failed in a recording, and the verdict of each. Threads: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analyze/growth.h"
#include "analyze/lives.h"
#include "analyze/user_code.h"
#include "analyze/verdict.h"
#include "analyze/where.h"

namespace unfrag::analyze {

/// Only so many are judged, the last: each takes the whole state of its moment. Programs that retry fail a few dozen
/// times.
inline constexpr size_t kMostJudged = 128;

std::vector<FailedRequest> find_failed_requests(const trace::Trace& trace, const trace::Device& device);

/// The verdicts of `failed`, in its order. What grew until the last of them counts for that one alone.
/// Cost: a pass over the lives for every few of them.
std::vector<Verdict> judge_failed_requests(const trace::Trace& trace, const trace::Device& device,
                                           const History& history, std::span<const FailedRequest> failed,
                                           const Card& card, const UserCode& user_code, const Growth& growth);

}  // namespace unfrag::analyze
