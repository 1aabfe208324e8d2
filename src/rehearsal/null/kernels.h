// The kernels that libraries register: which code of each the presented device would run, if any.
//
// A fat binary's headers are read when a kernel of it is first asked for; reading those of all of PyTorch's would take
// half a second of a cold disk. What was read is told to the parent (Header::images). Threads: safe.
#pragma once

#include <optional>

#include "base/kernel_image.h"

namespace unfrag::null {

/// A handle for register_kernel, which lasts as long as the process.
void** register_fat_binary(const void* wrapper);
void register_kernel(void** fat_binary, const void* function);

/// Nothing where its library brings no image that fits the device. A function that nobody registered, or of a library
/// that cannot be read, has code for any device.
std::optional<KernelCode> code_of(const void* function);

}  // namespace unfrag::null
