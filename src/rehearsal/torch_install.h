// The PyTorch that an interpreter would import, found without importing it.
//
// Errors are kMissing: what is not there, and the line that installs it. Threads: safe; runs the interpreter.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "base/result.h"

namespace unfrag::rehearsal {

/// Where a package does not say, a release that every PyTorch built for cuDNN 9 so far takes for new enough.
struct DnnVersion {
  int major = 9;
  int minor = 26;
  int patch = 0;
};

struct TorchInstall {
  std::string python;       ///< The interpreter.
  std::string version;      ///< "2.15.0+cu132".
  std::string libraries{};  ///< The folder with libtorch_cuda.so.
  int major = 0;
  int minor = 0;
  int cuda_version = 0;  ///< 13020 for 13.2.
  DnnVersion dnn{};      ///< Of cuDNN, as the package requires it.
};

/// `python`: a path, or a name to be looked for on PATH.
Result<TorchInstall> find_torch(const std::string& python);

/// Of the other interpreters among those programs, a line each: what torch they have, where it is another than `torch`.
std::vector<TorchInstall> find_other_torches(std::istream& programs, const TorchInstall& torch);

/// All shared libraries of it.
std::vector<std::string> libraries_of(const TorchInstall& torch);

}  // namespace unfrag::rehearsal
