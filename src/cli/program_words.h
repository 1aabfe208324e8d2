// The PROGRAM and its arguments at the end of a command line, for the commands that run one. Threads: one thread.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace unfrag::cli {

/// Puts a word that is no option in the place of each `--` behind a command that runs a program: CLI11 would end the
/// command there, and look for the next one. To be called before the command line is parsed.
void keep_separators(int argc, char** argv);

/// All from the first word that is none of the command's, without the `--` that may precede it. Requires: the command
/// is prefix_command(); keep_separators() was called.
std::vector<std::string> program_words(const CLI::App& command);

/// `command` and `example` are for people. Errors: kUsage where it is no program.
Result<bool> check_program(const std::vector<std::string>& program, const std::string& command,
                           const std::string& example);

}  // namespace unfrag::cli
