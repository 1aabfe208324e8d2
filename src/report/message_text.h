// What an out-of-memory message or a memory_summary table says, as text for a terminal of any width from 60 columns.
// Threads: pure functions.
#pragma once

#include <string>

#include "analyze/message_verdict.h"
#include "report/explain_text.h"

namespace unfrag::report {

/// The verdict, the figures, what follows, what cannot be told and how to record it; quietly the verdict alone.
std::string message_text(const analyze::MessageExplanation& explanation, const TextOptions& options);

/// How to record a snapshot: what `unfrag explain` prints when it is given nothing.
std::string recording_text(const TextOptions& options);

}  // namespace unfrag::report
