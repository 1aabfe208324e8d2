// A comparison as text for a terminal of any width from 60 columns. Threads: pure function.
#pragma once

#include <string>
#include <vector>

#include "analyze/diff.h"
#include "analyze/gate.h"
#include "report/explain_text.h"

namespace unfrag::report {

/// Everything that came from a file is escaped. `options.top`: holders listed that grew, and as many that shrank.
std::string diff_text(const analyze::Diff& diff, const std::vector<analyze::GateOutcome>& gates,
                      const TextOptions& options);

}  // namespace unfrag::report
