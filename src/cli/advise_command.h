// `unfrag advise FILE...`: arguments in, text out; what it means is app::advise.
#pragma once

#include <CLI/CLI.hpp>

namespace unfrag::cli {

/// Adds the command to `app`; when it is chosen, running it sets `exit`.
void add_advise(CLI::App& app, int& exit);

}  // namespace unfrag::cli
