// The options of every command that reads a recording, added to a command line.
#pragma once

#include <CLI/CLI.hpp>

#include "app/recording_options.h"

namespace unfrag::cli {

void add_recording_options(CLI::App& command, app::RecordingArguments& arguments);

}  // namespace unfrag::cli
