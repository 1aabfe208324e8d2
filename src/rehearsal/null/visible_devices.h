// CUDA_VISIBLE_DEVICES, as the CUDA C++ Programming Guide has it, on a machine of which only the presented devices are
// known: any number or UUID names one of them, so that a program that asks for the server's fourth GPU gets one here.
#pragma once

namespace unfrag::null {

/// How many of `presented` devices a process sees. `variable` null: all. What follows a repeated or unreadable name is
/// invisible, as on a real machine.
int visible_devices(const char* variable, int presented);

/// How many devices the machine must seem to have for NVML, which the variable does not concern: up to the last named.
int machine_devices(const char* variable, int presented);

}  // namespace unfrag::null
