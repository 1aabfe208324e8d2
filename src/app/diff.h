// The command `unfrag diff`: what changed from one run to another, and whether that keeps to the bounds given.
// Threads: pure function.
#pragma once

#include <vector>

#include "analyze/diff.h"
#include "analyze/explanation.h"
#include "analyze/gate.h"
#include "base/result.h"

namespace unfrag::app {

/// `diff` points into the two explanations.
struct Comparison {
  analyze::Explanation a, b;
  analyze::Diff diff;
  std::vector<analyze::GateOutcome> gates;

  [[nodiscard]] bool all_gates_hold() const;
};

/// Two recordings as `explain` read them, grouped by line.
/// Errors: kBadInput where one has no GPU, or does not tell the metric of a gate.
Result<Comparison> diff(analyze::Explanation a, analyze::Explanation b, const std::vector<analyze::Gate>& gates);

}  // namespace unfrag::app
