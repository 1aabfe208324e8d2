// Verdicts and what stands in the way, as JSON: docs/format/explain.md. Threads: pure functions.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "analyze/explanation.h"
#include "report/names.h"

namespace unfrag::report {

/// {kind, also[], headline, evidence{}}; `request` as for headline.
nlohmann::ordered_json verdict_json(const Names& names, const analyze::DeviceFindings& findings,
                                    const analyze::Verdict& verdict, const analyze::FailedRequest* request,
                                    const trace::Dialect& dialect);

/// Adds function, file, line and stack[] of the line that made a block.
using AddPlace = std::function<void(nlohmann::ordered_json&, trace::StackIdx)>;

/// blockers[]: one for each hole that could open, cheapest first.
nlohmann::ordered_json blockers_json(const analyze::DeviceFindings& findings, const AddPlace& add_place);
/// segments_to_empty{}: what would go back to the driver instead; null where nothing would do.
nlohmann::ordered_json emptying_json(const analyze::DeviceFindings& findings, const AddPlace& add_place);

}  // namespace unfrag::report
