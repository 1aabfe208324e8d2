// What grows from iteration to iteration: lines of the program that hold more at the quietest point of each, and go on
// holding it.
//
//   bytes alive  _/\_  _/\_  _/\_       the quietest point of each iteration is where a leak shows; what an iteration
//                    __    __    __     needs for itself is gone there
//   quietest     .     .     .     .
//
// A line is suspected if blocks that it allocated in iterations all along are still there at the end and it holds ever
// more of them; or, where it holds one block that is replaced (torch.cat), if that grows all along while the work of an
// iteration does not. What fills and stays full, is cleared now and then, or is the optimizer's own state is not.
// Cost: one pass over entries and one over lives. Threads: pure function.
#pragma once

#include <cstdint>
#include <vector>

#include "analyze/iterations.h"
#include "analyze/lives.h"
#include "analyze/user_code.h"
#include "base/strong.h"
#include "trace/trace.h"

namespace unfrag::analyze {

/// A line of the program whose blocks become more, or larger.
struct Suspect {
  trace::StackIdx stack = trace::kEmptyStack;  ///< Of the line's stacks the one that gained most.
  Bytes first{};                               ///< What they held at the quietest point of the first iteration,
  Bytes last{};                                ///< ... and of the last.
  uint64_t first_blocks = 0;
  uint64_t last_blocks = 0;
  double bytes_per_iteration = 0;  ///< The slope, by least squares.
  double confidence = 0;           ///< That it rises at all: 1 - p of the Mann-Kendall test.
  uint32_t iterations = 0;         ///< From `first` to `last`, both counted.
  [[nodiscard]] Bytes rise() const { return minus_or_zero(last, first); }
};

struct Growth {
  Iterations iterations;
  std::vector<Suspect> suspects;  ///< Most bytes gained first; one for each line of the user's (user_code.h).
  Bytes rise{};                   ///< What they gained together.
};

/// `until`: only entries before it count (the event count for all); what was freed by then does not grow.
Growth find_growth(const trace::Trace& trace, const trace::Device& device, const History& history,
                   const UserCode& user_code, uint32_t until);

}  // namespace unfrag::analyze
