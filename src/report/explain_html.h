// An Explanation as a fragment of HTML for a notebook: the verdict first, what proves it, who holds the memory, what
// stands in the way, the picture of the recording, what to do next. Threads: pure function.
#pragma once

#include <cstddef>
#include <string>

#include "analyze/explanation.h"

namespace unfrag::report {

/// See html.h. About 20 KB with the picture. `top`: holders listed.
std::string explain_html(const analyze::Explanation& explanation, size_t top = 10);

}  // namespace unfrag::report
