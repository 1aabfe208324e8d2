// Which devices there are, and the calling thread's current one. Threads: each has its own.
#pragma once

namespace unfrag::null {

/// Those that this process sees: a program may set CUDA_VISIBLE_DEVICES until it first asks.
int device_count();
/// Those of the machine, as NVML counts them.
int devices_of_machine();

int current_device();
/// False where there is no such device.
bool set_current_device(int device);
inline bool is_device(int device) { return device >= 0 && device < device_count(); }

}  // namespace unfrag::null
