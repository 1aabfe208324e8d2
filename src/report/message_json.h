// What `unfrag explain --message --format json` prints: unfrag.message/1, see docs/format/message.md.
// Threads: pure function.
#pragma once

#include <string>

#include "analyze/message_verdict.h"

namespace unfrag::report {

/// One line without the newline.
std::string message_json(const analyze::MessageExplanation& explanation);

}  // namespace unfrag::report
