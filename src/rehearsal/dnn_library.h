// The official cuDNN of an environment: found by where its packages put it, not loaded. Threads: safe.
#pragma once

#include <string>

#include "base/result.h"
#include "rehearsal/torch_install.h"

namespace unfrag::rehearsal {

inline constexpr const char* kDnnFile = "libcudnn_graph.so.9";

/// The folder with the file: `named`, which must have it, else where it lies beside this torch, and empty where it does
/// not. Errors: kMissing.
Result<std::string> find_dnn(const TorchInstall& torch, const std::string& named);

}  // namespace unfrag::rehearsal
