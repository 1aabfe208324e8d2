// A throw-away copy of a folder, so that a rehearsed program overwrites nothing. Threads: safe.
#pragma once

#include <string>

#include "base/result.h"

namespace unfrag::rehearsal {

/// Copies all of `folder` to `copy`; links stay links, so that what they lead to is the program's own.
/// Errors: kOutput.
Result<bool> copy_folder(const std::string& folder, const std::string& copy);

}  // namespace unfrag::rehearsal
