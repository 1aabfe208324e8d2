// What memory cuDNN wants to work on a convolution with: a rule of thumb for the plan that it would propose first, and
// for the largest one that a search among all of them tries.
//
// Source of the figures: cuDNN 9.28's own heuristics, asked for devices described to it in words. Their shape is that
// of the algorithms: tensor cores want channels last, so that other layouts are rearranged into the workspace; the
// gradient of a filter is summed in parts, one in single precision for each. Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "rehearsal/null/dnn_tensor.h"

namespace unfrag::null {

struct Convolution {
  enum class Direction : uint8_t { kForward, kBackwardData, kBackwardFilter };

  Direction direction = Direction::kForward;
  DnnTensor x{};  ///< The image or its gradient.
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
