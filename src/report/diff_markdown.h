// A comparison as GitHub-flavoured markdown, for a comment on a pull request. Threads: pure function.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "analyze/diff.h"
#include "analyze/gate.h"

namespace unfrag::report {

/// Names from the files stand in code spans that they cannot leave: they make no markup, no link and mention nobody.
/// `top`: holders listed that grew, and as many that shrank.
std::string diff_markdown(const analyze::Diff& diff, const std::vector<analyze::GateOutcome>& gates, size_t top);

}  // namespace unfrag::report
