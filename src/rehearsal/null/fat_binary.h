// Which images a fat binary brings: what nvcc puts into a program or library, and hands to __cudaRegisterFatBinary.
//
// Reads the headers alone, in memory; code is neither unpacked nor looked at. The layout is that of CUDA 11 to 13, as
// found in the wheels of PyTorch 2.6 to 2.15. Threads: values.
#pragma once

#include <vector>

#include "base/kernel_image.h"

namespace unfrag::null {

/// Those of the fat binary that a wrapper points to; none where it is laid out otherwise.
std::vector<KernelImage> images_of(const void* wrapper);

}  // namespace unfrag::null
