// Runs a program with the null device in place of CUDA, to its end.
//
//   find torch ─► private folder: null library, shells, stage ─► run with LD_PRELOAD ─► one log a process
//
// Threads: one rehearsal at a time in a process (signals).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "rehearsal/child.h"
#include "rehearsal/dnn_process.h"
#include "rehearsal/private_folder.h"
#include "rehearsal/stage_file.h"
#include "rehearsal/torch_install.h"
#include "rehearsal/watcher.h"

namespace unfrag::rehearsal {

struct Request {
  std::string python;
  std::vector<std::string> program;  ///< "train.py" or "-m", "MODULE", or anything to run; then its arguments.
  Presented presented;
  uint64_t steps = 0;    ///< Ends the program after so many steps of optimizers; 0: never.
  bool scratch = false;  ///< Runs in a copy of the working folder.
  bool output_to_error = false;
  std::string dnn{};  ///< The folder of a cuDNN to ask for workspaces; empty: there is none.
  std::function<void(const Progress&)> progress{};  ///< Told now and then, by another thread. May be empty.
};

struct Rehearsed {
  TorchInstall torch;
  Ending ending;
  double seconds_per_tick = 0;       ///< Of the processor's clock, by which the null device counts.
  std::unique_ptr<Signals> signals;  ///< None leaves the folder behind.
  PrivateFolder folder;              ///< The logs lie in it: they are gone when this is.
  std::optional<Result<DnnProcess>> dnn;
  std::vector<TorchInstall> other_torches;  ///< Of other interpreters that ran, to which no device was presented.
  std::optional<uint64_t> steps_made;       ///< Of optimizers, the most of one process; nothing: none counted them.
  std::vector<std::string> logs;            ///< Paths, one a process that used the device.

  /// Why the cuDNN that there is answers nothing; empty where it answers. Cost: DnnProcess::trouble's.
  [[nodiscard]] std::string dnn_trouble() const;
};

/// A program that fails or is killed is no error. Errors: kMissing without a CUDA build of torch or without the
/// program, kOutput.
Result<Rehearsed> rehearse(const TorchInstall& torch, const Request& request);

}  // namespace unfrag::rehearsal
