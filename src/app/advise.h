// The command `unfrag advise`: which settings would have helped a recorded program. Threads: calls share nothing.
#pragma once

#include <functional>
#include <string>

#include "advise/advice.h"
#include "app/explain.h"

namespace unfrag::app {

/// `explanation`: of a recording whose chosen device has trace entries.
/// Errors: kBadInput where there is nothing to replay.
Result<advise::Advice> advise(const analyze::Explanation& explanation, const advise::AdviseOptions& options);

}  // namespace unfrag::app
