// What the real cuDNN says of a graph, in the words of the null device's objects: the engines that its heuristics
// propose as configurations, and of each the plan. Where it says nothing, the rules of dnn_plan.h answer.
//
// A configuration that was proposed here remembers what it was asked with. Threads: safe, as the connection is.
#pragma once

#include <cstdint>
#include <optional>

#include "rehearsal/null/dnn_backend.h"
#include "rehearsal/null/dnn_connection.h"

namespace unfrag::null {

/// The answer for an attribute that was never set; nothing where a rule has to answer.
std::optional<BackendValue> asked_answer_of(const BackendObject& object, int name, DnnConnection& dnn);

/// False for a plan that cuDNN cannot make. One that it can say more of remembers that.
bool finalize(BackendObject& object, DnnConnection& dnn);
/// Whether it is such a plan. Cost: none, as it is asked at every execution.
bool is_asked(const BackendObject& object);

}  // namespace unfrag::null
