// A comparison of two runs as a fragment of HTML for a notebook. Threads: pure function.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "analyze/diff.h"
#include "analyze/gate.h"

namespace unfrag::report {

/// See html.h. `top`: holders listed that grew, and as many that shrank.
std::string diff_html(const analyze::Diff& diff, const std::vector<analyze::GateOutcome>& gates, size_t top = 10);

}  // namespace unfrag::report
