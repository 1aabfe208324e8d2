// Advice as text for a terminal. Threads: pure functions.
#pragma once

#include <string>

#include "advise/advice.h"
#include "analyze/explanation.h"
#include "report/explain_text.h"
#include "report/page.h"

namespace unfrag::report {

/// The recommendation first, then the table of candidates, drawbacks and what else would help. Lines of at most the
/// width, but for settings and commands, which can be pasted.
std::string advice_text(const analyze::Explanation& explanation, const advise::Advice& advice,
                        const TextOptions& options);

/// The same as a part of another page, without what names the file.
void write_advice(Page& page, const analyze::Explanation& explanation, const advise::Advice& advice, size_t top);

}  // namespace unfrag::report
