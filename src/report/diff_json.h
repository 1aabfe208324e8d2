// What `unfrag diff --format json` prints: unfrag.diff/1, see docs/format/diff.md. Threads: pure function.
#pragma once

#include <string>
#include <vector>

#include "analyze/diff.h"
#include "analyze/gate.h"
#include "report/explain_json.h"

namespace unfrag::report {

/// One line without the line feed. `options.top`: holders listed that grew, and as many that shrank; all if nothing.
std::string diff_json(const analyze::Diff& diff, const std::vector<analyze::GateOutcome>& gates,
                      const JsonOptions& options);

}  // namespace unfrag::report
