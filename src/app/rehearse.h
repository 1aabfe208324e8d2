// The command `unfrag rehearse`: runs a PyTorch program on the null device and says what memory it would need.
// Threads: one rehearsal at a time in a process.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "report/rehearsal.h"

namespace unfrag::app {

struct RehearseOptions {
  std::string python;                ///< Empty: the active environment's, else python3.
  std::vector<std::string> program;  ///< "train.py" or "-m" "MODULE" or a command; then its arguments.
  std::string gpu;                   ///< Empty: the reference device.
  std::optional<Bytes> memory{};     ///< Else the GPU's own; 16 GiB of the reference device.
  std::optional<Bytes> context{};    ///< Else the usual one of that GPU and CUDA.
  int devices = 1;
  std::optional<Bytes> host_memory{};      ///< Copies up to this size are real; 1 MiB.
  std::optional<bool> addresses_ascend{};  ///< Else as the device's do: up, but down with the reference device.
  std::string values = "zeros";            ///< What else the program reads of the device: zeros, ones, random.
  bool timing = false;                     ///< Counts the null device's own time.
  std::string dnn{};                       ///< The folder of a cuDNN to ask; empty: what lies beside torch.
  uint64_t steps = 0;                      ///< Ends the program after so many steps of optimizers; 0: never.
  bool scratch = false;                    ///< Runs it in a copy of the working folder.
  bool output_to_error = false;            ///< What the program prints goes to standard error.
  /// Told before the program starts: on which device, with which torch. May be empty.
  std::function<void(const report::Rehearsal&)> about_to_start{};
  /// Told now and then while it runs, by another thread: a line for people. May be empty.
  std::function<void(const std::string&)> while_it_runs{};
};

/// Errors: kUsage for a GPU that is not known, kMissing without a CUDA build of torch or without the program, kOutput.
Result<report::Rehearsal> rehearse(const RehearseOptions& options);

/// The GPUs that can be named, for --list.
std::vector<report::Fit> known_gpus();

}  // namespace unfrag::app
