// The sentences of an advice, the same in text and JSON. Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "advise/advice.h"
#include "analyze/explanation.h"

namespace unfrag::report {

/// What to do, in a sentence or two with the bytes that prove it.
std::string advice_headline(const analyze::Explanation& explanation, const advise::Advice& advice);

/// What settings cannot do: the least to free and the largest holders. Empty where a setting is recommended.
std::vector<std::string> what_instead(const analyze::Explanation& explanation, const advise::Advice& advice);

/// How far the figures are to be trusted, where the recording itself does not replay; else empty.
std::string advice_care(const advise::Advice& advice);
/// What had to be guessed for the figures, a sentence each.
std::vector<std::string> advice_doubts(const advise::Advice& advice);
/// "-8.00 MiB", "same".
std::string peak_change(Bytes now, Bytes before);
/// What the columns of the table are.
inline constexpr std::string_view kAdviceColumns =
    "reserved: at the peak. needs: about the least device memory with which no request fails, without the CUDA "
    "context. calls: to the device";

/// "expandable_segments:True", or "the default settings".
std::string settings_name(const std::string& conf);

}  // namespace unfrag::report
