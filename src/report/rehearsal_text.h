// A rehearsal as text: what the program needs, on which GPUs it fits, then the explanation of its recording.
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "report/explain_text.h"
#include "report/rehearsal.h"

namespace unfrag::report {

std::string rehearsal_text(const Rehearsal& rehearsal, const TextOptions& options);
/// What is said even where the report is short: how the program failed. Sentences.
std::vector<std::string> rehearsal_troubles(const Rehearsal& rehearsal);
/// Of a search that a signal ended: what is known, a clause.
std::string fit_interrupted(const Rehearsal& rehearsal);
/// What is said before the program starts: its own effects are real.
std::string rehearsal_notice(const Rehearsal& rehearsal);
/// The GPUs that can be named.
std::string gpu_list_text(const std::vector<Fit>& gpus, const TextOptions& options);

}  // namespace unfrag::report
