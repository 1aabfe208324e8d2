// `unfrag rehearse --fit bs=8..512 train.py --bs {bs}`: the largest value with which a program fits, by bisection.
// Threads: as app::rehearse.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "app/rehearse.h"

namespace unfrag::app {

struct FitQuestion {
  std::string name;  ///< Where the program's words have {name}, the value stands.
  uint64_t least = 0;
  uint64_t most = 0;
};

/// "bs=8..512". Errors: kUsage.
Result<FitQuestion> parse_fit(const std::string& text);

/// The rehearsal with the largest value that fits, else with the least one; `Rehearsal::tried` has all. A run fits that
/// has no failed request and ends with exit code 0. It is taken for granted that what fits, fits with less. A signal
/// ends the search: the rehearsal is the one that it `interrupted`. Errors: those of rehearse; kUsage where the program
/// does not mention the name, or fails and not for want of memory.
Result<report::Rehearsal> rehearse_largest(const RehearseOptions& options, const FitQuestion& question);

}  // namespace unfrag::app
