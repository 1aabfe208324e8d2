// `unfrag explain --message FILE`, and `unfrag explain` with nothing to explain.
#pragma once

#include <string>

#include "cli/output.h"

namespace unfrag::cli {

/// Both return an exit code.
int run_message(const std::string& file, const CommonOptions& options);
int run_recording_help(const CommonOptions& options);

}  // namespace unfrag::cli
