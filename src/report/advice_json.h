// Advice as JSON, schema unfrag.advise/1 (docs/format/advise.md). Threads: pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "advise/advice.h"
#include "analyze/explanation.h"

namespace unfrag::report {

/// Without schema and source: as it is appended to an explanation.
nlohmann::ordered_json advice_object(const analyze::Explanation& explanation, const advise::Advice& advice);

/// One line without the line feed. `explanation`: of the same file, the device chosen.
std::string advice_json(const analyze::Explanation& explanation, const advise::Advice& advice);

}  // namespace unfrag::report
