// What a process pays on the device before its first tensor: the CUDA context. Threads: a pure function.
#pragma once

#include "base/strong.h"
#include "device/gpu.h"

namespace unfrag::device {

/// The device memory of the context of a process that uses PyTorch with that major version of CUDA (12 or later, where
/// kernels are loaded when they are first needed), to 10 MiB. Within an eighth of every reading listed in the source
/// file. Not in it: kernels, cuBLAS and cuDNN, which add tens to hundreds of MiB as a program first uses them.
Bytes context_size(const Gpu& gpu, int cuda_major);

}  // namespace unfrag::device
