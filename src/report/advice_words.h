// The sentences of an advice, the same in text and JSON. Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "advise/advice.h"
#include "analyze/explanation.h"

namespace unfrag::report {

/// What to do, in a sentence or two with the bytes that prove it.
std::string advice_headline(const analyze::Explanation& explanation, const advise::Advice& advice);

/// What settings cannot do: the least to free and the largest holders. Empty where a setting is recommended.
std::vector<std::string> what_instead(const analyze::Explanation& explanation, const advise::Advice& advice);

/// "expandable_segments:True", or "the default settings".
std::string settings_name(const std::string& conf);

}  // namespace unfrag::report
