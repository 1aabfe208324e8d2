// What `unfrag explain --message` says in sentences, the same in text and in JSON.
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "analyze/message_verdict.h"

namespace unfrag::report {

/// "23.10 GiB", rounded as PyTorch rounds; "-12.00 MiB".
std::string about(const analyze::Amount& amount);

/// The verdict's reason in a sentence or two, with the figures that prove it.
std::string message_headline(const analyze::MessageExplanation& explanation);

/// How figures of the message are to be read, and what was worked out from them.
std::vector<std::string> message_notes(const analyze::MessageExplanation& explanation);

/// What no one can conclude from this text.
std::vector<std::string> cannot_tell(const analyze::MessageExplanation& explanation);

/// The lines of Python that record a snapshot, for the backend of a message; none where PyTorch has no recorder for it.
std::vector<std::string> record_lines(const trace::OomMessage& message);

}  // namespace unfrag::report
