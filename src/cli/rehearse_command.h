// `unfrag rehearse`. See app/rehearse.h.
#pragma once

#include <CLI/CLI.hpp>

namespace unfrag::cli {

void add_rehearse(CLI::App& app, int& exit);

}  // namespace unfrag::cli
