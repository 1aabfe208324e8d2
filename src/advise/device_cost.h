// What calls to the device cost in time, to the order of magnitude. Threads: pure function.
#pragma once

#include "alloc/statistics.h"

namespace unfrag::advise {

/// Milliseconds a call, from one published profile of PyTorch programs: 2,019 cudaMalloc without the first in 5.1 s and
/// 1,939 cudaFree in 3.2 s. Mapping pages is counted as one such call each: it has no better figure, and costs in
/// proportion to the pages (pytorch#96995).
inline constexpr double kDeviceAllocMs = 2.5;
inline constexpr double kDeviceFreeMs = 1.6;
inline constexpr const char* kCostSource = "ryujaehun/pytorch-gpu-benchmark#6: 2.5 ms a cudaMalloc, 1.6 ms a cudaFree";

inline double device_calls_ms(const alloc::Statistics& statistics) {
  return kDeviceAllocMs * static_cast<double>(statistics.num_device_alloc) +
         kDeviceFreeMs * static_cast<double>(statistics.num_device_free);
}

}  // namespace unfrag::advise
