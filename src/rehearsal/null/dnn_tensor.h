// Shapes that cuDNN is asked about: a tensor, and the few facts of a device that sizes depend on.
//
// Values only; the descriptors that a program holds are made of them. Units: bytes where not said otherwise.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

namespace unfrag::null {

/// cudnnDataType_t, as far as it is named here.
inline constexpr int kDnnFloat = 0;
inline constexpr int kDnnHalf = 2;
inline constexpr int kDnnBfloat16 = 9;

/// 0 for a type that nobody knows.
uint64_t element_bits(int type);

struct DnnTensor {
  int type = kDnnFloat;
  std::vector<int64_t> dims{};     ///< Batch, channels, then space.
  std::vector<int64_t> strides{};  ///< In elements, one for each dimension.

  [[nodiscard]] uint64_t elements() const;
  [[nodiscard]] uint64_t bytes() const;
  /// Neighbours in memory are channels of one point.
  [[nodiscard]] bool is_channels_last() const;
};

struct DnnChip {
  int compute_major = 8;
  int multiprocessors = 108;
  int threads_per_multiprocessor = 2048;
};

}  // namespace unfrag::null
