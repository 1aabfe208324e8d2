// An advice as a fragment of HTML for a notebook: what to set, and the table of the settings tried. Threads: pure
// function.
#pragma once

#include <cstddef>
#include <string>

#include "advise/advice.h"
#include "analyze/explanation.h"

namespace unfrag::report {

/// See html.h. `explanation`: of the recording that was replayed. `top`: settings listed beside what is in force.
std::string advice_html(const analyze::Explanation& explanation, const advise::Advice& advice, size_t top = 10);

}  // namespace unfrag::report
