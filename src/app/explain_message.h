// The command `unfrag explain --message`: reads a text and says what follows from the out-of-memory message or the
// memory_summary table in it. Threads: calls share nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "analyze/message_verdict.h"
#include "base/result.h"
#include "base/strong.h"

namespace unfrag::app {

/// Of a longer text only this much at its end is looked at: what failed is at the end of a log.
inline constexpr Bytes kMostText = 32_MiB;

/// `path`: a file, or "-" for standard input. `progress`: called now and then with the bytes read; may be empty.
/// Errors: kBadInput where it cannot be opened or has neither.
Result<analyze::MessageExplanation> explain_message(const std::string& path,
                                                    const std::function<void(uint64_t)>& progress);

/// The same of a text in memory. `name`: what to call it.
Result<analyze::MessageExplanation> explain_message_text(std::string_view text, const std::string& name);

}  // namespace unfrag::app
