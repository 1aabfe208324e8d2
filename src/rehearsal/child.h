// Programs that are run: one for what it prints, one for all it does. Threads: safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "rehearsal/signals.h"

namespace unfrag::rehearsal {

/// What a program prints on standard output; nothing where it cannot be run or fails.
std::optional<std::string> output_of(const std::vector<std::string>& command);

struct Ending {
  int exit_code = 0;    ///< As a shell has it: 128 + the signal where one ended it.
  int signal = 0;       ///< 0: it ended by itself.
  int interrupted = 0;  ///< The signal that this process got meanwhile; 0: none.
};

struct ChildOptions {
  std::map<std::string, std::string> environment{};  ///< Added to this process's own.
  std::string folder{};                              ///< Where it runs; empty: here.
  bool output_to_error = false;                      ///< Its standard output goes to standard error.
};

/// Runs a program to its end. Errors: kMissing where it cannot be started.
Result<Ending> run_child(const std::vector<std::string>& command, const ChildOptions& options, Signals& signals);

}  // namespace unfrag::rehearsal
