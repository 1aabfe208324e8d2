// What memory cuDNN wants to work on a convolution with: a rule of thumb for the plan that it would propose first, and
// for the largest one that a search among all of them tries.
//
// The shape of the figures is that of the algorithms. Tensor cores want channels last, in half precision or what is
// rounded like it, so that all else is copied into the workspace; a transform works on the spectrum of all it reads.
// Source: cuDNN 9.28's own heuristics, asked about 101 convolutions of usual networks, all three directions, both
// layouts and precisions, on an A100, an H100, a T4 and an RTX 4090 that were described to it in words. 71 % of the
// first plans' figures are off by less than a tenth of what image, filter and response have together. Threads: pure
// functions.
#pragma once

#include <cstdint>
#include <vector>

#include "rehearsal/null/dnn_tensor.h"

namespace unfrag::null {

struct Convolution {
  enum class Direction : uint8_t { kForward, kBackwardData, kBackwardFilter };

  Direction direction = Direction::kForward;
  DnnTensor x{};  ///< The image or its gradient: batch, channels, then space.
  DnnTensor w{};  ///< The filters: how many, channels of a group, then space.
  DnnTensor y{};  ///< The response or its gradient.
  std::vector<int64_t> stride{};
  std::vector<int64_t> dilation{};
  DnnChip chip{};
};

/// Of the first plan.
uint64_t convolution_workspace(const Convolution& convolution);

/// Of the plan that wants most; not less than that of the first one.
uint64_t largest_convolution_workspace(const Convolution& convolution);

}  // namespace unfrag::null
