// What memory cuDNN wants to work on batch normalization with: a rule of thumb. Threads: pure functions.
#pragma once

#include <cstdint>

#include "rehearsal/null/dnn_tensor.h"

namespace unfrag::null {

struct BatchNorm {
  bool persistent = false;  ///< The mode for channels last.
  bool activated = false;   ///< An activation is part of it.
  DnnTensor x{};
  DnnChip chip{};
};

/// Forward and backward the same. Where all channels of a point are neighbours every multiprocessor has a part of every
/// channel, so that two sums a channel and multiprocessor meet in memory; else a channel stays within one.
inline uint64_t norm_workspace(const BatchNorm& norm) {
  constexpr uint64_t kTwoSums = 2 * 4;
  if (!norm.persistent || norm.x.dims.size() < 2) return 0;
  return static_cast<uint64_t>(norm.x.dims[1]) * static_cast<uint64_t>(norm.chip.multiprocessors) * kTwoSums;
}

/// Kept until backward: a bit for every value that the activation let through.
inline uint64_t norm_reserve(const BatchNorm& norm) { return norm.activated ? (norm.x.elements() + 7) / 8 : 0; }

}  // namespace unfrag::null
