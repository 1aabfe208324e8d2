// Ends a program after so many steps of its optimizers: a module that Python imports at its start. Threads: constant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unfrag::rehearsal {

/// The variable that says after how many.
inline constexpr const char* kStepsVariable = "UNFRAG_REHEARSAL_STEPS";

/// The text of `sitecustomize.py`, for a folder of its own at the front of PYTHONPATH. Whatever module of that name the
/// program would have had is still imported.
std::string_view step_limit_module();

/// What the processes noted in the module's folder: the most steps that one of them made. Nothing where none loaded it.
std::optional<uint64_t> steps_made(const std::string& folder);

}  // namespace unfrag::rehearsal
