// What memory cuDNN's generator of random numbers keeps: a rule of thumb. Threads: pure functions.
#pragma once

#include <cstdint>

#include "rehearsal/null/dnn_tensor.h"

namespace unfrag::null {

/// The six words of an XORWOW generator for every thread that the device can hold at once.
inline uint64_t dropout_states(const DnnChip& chip) {
  constexpr uint64_t kState = 6 * 4;
  return static_cast<uint64_t>(chip.multiprocessors) * static_cast<uint64_t>(chip.threads_per_multiprocessor) * kState;
}

}  // namespace unfrag::null
