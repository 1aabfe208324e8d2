// What an allocator counts, under PyTorch's own names. Threads: values.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/strong.h"

namespace unfrag::alloc {

/// A figure and the most it has been.
struct Gauge {
  Bytes current{};
  Bytes peak{};
  void add(Bytes bytes) {
    current += bytes;
    peak = std::max(peak, current);
  }
  void subtract(Bytes bytes) { current -= bytes; }
  bool operator==(const Gauge&) const = default;
};

/// Source: torch.cuda.memory_stats(), CUDACachingAllocator.h DeviceStats.
struct Statistics {
  Gauge allocated;        ///< Blocks handed out.
  Gauge active;           ///< ... and those waiting for other streams.
  Gauge requested;        ///< What the callers asked for, of the active ones.
  Gauge reserved;         ///< From the driver.
  uint64_t segments = 0;  ///< Plain ones; mapping never counts.
  uint64_t segment_peak = 0;
  uint64_t num_ooms = 0;
  uint64_t num_oom_rejections = 0;  ///< By throw_on_cudamalloc_oom.
  uint64_t num_alloc_retries = 0;
  uint64_t num_sync_all_streams = 0;
  uint64_t num_device_alloc = 0;  ///< Segments obtained and steps of mapping.
  uint64_t num_device_free = 0;
  bool operator==(const Statistics&) const = default;
};

}  // namespace unfrag::alloc
