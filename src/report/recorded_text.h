// A recorded program as text: where the recordings are, what is missing, then the explanation of the one that counts.
// Threads: pure function.
#pragma once

#include <string>

#include "report/explain_text.h"
#include "report/recorded.h"

namespace unfrag::report {

std::string recorded_text(const Recorded& recorded, const TextOptions& options);

}  // namespace unfrag::report
