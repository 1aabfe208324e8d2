// The options every command has, added to a command line. See CommonOptions.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/output.h"

namespace unfrag::cli {

inline void add_common_options(CLI::App& command, CommonOptions& options,
                               const std::vector<std::string>& formats = {"text", "json"}) {
  command.add_option("--format", options.format, "Output format")->check(CLI::IsMember(formats))->capture_default_str();
  command.add_option("-o,--output", options.output, "Write to this file instead of standard output");
  command.add_flag("-q,--quiet", options.quiet, "Only the result in a sentence; no progress");
  command.add_option("--color", options.color, "Colours")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  command.add_option("--width", options.width, "Columns of text (default: the terminal's, else 80)")
      ->check(CLI::Range(size_t{60}, size_t{1000}));
}

}  // namespace unfrag::cli
