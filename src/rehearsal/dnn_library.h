// The official cuDNN of an environment: found by where its packages put it, not loaded. Threads: safe.
#pragma once

#include <string>

#include "rehearsal/torch_install.h"

namespace unfrag::rehearsal {

inline constexpr const char* kDnnFile = "libcudnn_graph.so.9";

/// The folder with the file beside this torch; empty where there is none.
std::string find_dnn(const TorchInstall& torch);

}  // namespace unfrag::rehearsal
