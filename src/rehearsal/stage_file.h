// What the null device is told to be: the text that null/stage.h reads. Threads: pure functions.
#pragma once

#include <optional>
#include <string>

#include "base/strong.h"
#include "device/gpu.h"
#include "rehearsal/torch_install.h"

namespace unfrag::rehearsal {

struct Presented {
  const device::Gpu* gpu = nullptr;
  Bytes memory;   ///< All of a device's.
  Bytes context;  ///< What the process's context takes of it.
  int devices = 1;
  Bytes largest_copy{1 << 20};             ///< Copies up to this size are real.
  std::optional<bool> addresses_ascend{};  ///< Else as the device's do.
  std::string values = "zeros";            ///< What else is read: zeros, ones, random.
  bool timing = false;                     ///< The null device counts its own time.
};

/// Where PyTorch's allocator keeps what the null device needs to listen to it, from the start of libc10_cuda.so.
struct AllocatorPlaces {
  uint64_t allocator = 0;
  uint64_t native_table = 0;
  uint64_t attach_tracker = 0;
  uint64_t native_table_bytes = 0;
  uint64_t set_fraction = 0;
  uint64_t begin_pool = 0;
  uint64_t end_pool = 0;
  uint64_t library_size = 0;  ///< Of the file that they are true of.
};

/// Errors: kMissing where this torch is built in a way that does not show them.
Result<AllocatorPlaces> find_allocator(const TorchInstall& torch);

std::string stage_text(const Presented& presented, const TorchInstall& torch, const AllocatorPlaces& places);

}  // namespace unfrag::rehearsal
