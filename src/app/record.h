// The command `unfrag record`: runs a PyTorch program and records what its allocator does.
// Threads: one recording at a time in a process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "report/recorded.h"

namespace unfrag::app {

struct RecordOptions {
  std::string python;                ///< Empty: the active environment's, else python3.
  std::vector<std::string> program;  ///< "train.py" or "-m" "MODULE" or a command; then its arguments.
  std::string file;                  ///< Where the recording goes.
  uint64_t max_entries = 100'000;    ///< The latest of each device that are kept.
};

/// Errors: kUsage where the file is part of the program; kMissing without a CUDA build of torch, a GPU, or the program:
/// it has not run then; kOutput.
Result<report::Recorded> record(const RecordOptions& options);

/// Has a program that is being recorded write a snapshot now. `number`: of `unfrag record`, or of a process under it.
/// Errors: kMissing where there is none, kOutput where it cannot.
Result<report::Recorded> poke(uint32_t number);

}  // namespace unfrag::app
