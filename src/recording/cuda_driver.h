// Whether a program could use a GPU here, found without importing torch. Threads: safe; runs the interpreter.
#pragma once

#include <string>

#include "base/result.h"

namespace unfrag::recording {

/// Errors: kMissing where there is no driver, or none of its devices is to be seen.
Result<bool> check_cuda_driver(const std::string& python);

}  // namespace unfrag::recording
