// `unfrag record`. See app/record.h.
#pragma once

#include <CLI/CLI.hpp>

namespace unfrag::cli {

void add_record(CLI::App& app, int& exit);

}  // namespace unfrag::cli
