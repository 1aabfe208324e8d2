// `unfrag replay FILE`: arguments in, text out; what it means is app::replay.
#pragma once

#include <CLI/CLI.hpp>

namespace unfrag::cli {

/// Adds the command to `app`; when it is chosen, running it sets `exit`.
void add_replay(CLI::App& app, int& exit);

}  // namespace unfrag::cli
