// `unfrag diff A B`: arguments in, text and exit code out; what it means is app::diff. Threads: one thread.
#pragma once

#include <CLI/CLI.hpp>

namespace unfrag::cli {

/// Adds the command to `app`; when it is chosen, running it sets `exit`.
void add_diff(CLI::App& app, int& exit);

}  // namespace unfrag::cli
