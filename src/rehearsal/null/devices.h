// The calling thread's current device. Threads: each has its own.
#pragma once

#include "rehearsal/null/stage.h"

namespace unfrag::null {

int current_device();
/// False where there is no such device.
bool set_current_device(int device);
inline bool is_device(int device) { return device >= 0 && device < stage().devices; }

}  // namespace unfrag::null
