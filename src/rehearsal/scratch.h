// A throw-away copy of a folder, so that a rehearsed program overwrites nothing in it.
//
// Copied are folders, files and links; sockets, pipes and devices are left out. A link to somewhere inside leads to the
// copy, any other to what it led to before: what the program writes there, or under a path of its own, is written.
// Threads: safe.
#pragma once

#include <string>

#include "base/result.h"

namespace unfrag::rehearsal {

/// Copies all of `folder`, a canonical path, to `copy`, which does not exist. Errors: kOutput.
Result<bool> copy_folder(const std::string& folder, const std::string& copy);

/// A word of a command line, with a path into `folder` made one into `copy`.
std::string word_in_copy(const std::string& word, const std::string& folder, const std::string& copy);

}  // namespace unfrag::rehearsal
