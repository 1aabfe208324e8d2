#include <algorithm>

#include "rehearsal/null/dnn_convolution.h"

namespace unfrag::null {
namespace {

using Direction = Convolution::Direction;

constexpr uint64_t kSingle = 4;  // bytes of a float

bool all_are(const std::vector<int64_t>& values, int64_t wanted) {
  return std::ranges::all_of(values, [=](int64_t value) { return value == wanted; });
}

bool has_tensor_cores(const Convolution& c) {
  if (c.x.type == kDnnHalf) return c.chip.compute_major >= 7;
  return (c.x.type == kDnnFloat || c.x.type == kDnnBfloat16) && c.chip.compute_major >= 8;
}

/// Copies with channels last. Half precision has both sides copied; single precision what is read, in full.
uint64_t rearranged(const Convolution& c) {
  if (c.x.is_channels_last()) return 0;
  const bool both = c.x.type != kDnnFloat || c.direction != Direction::kForward;
  return c.x.bytes() + (both ? c.y.bytes() : 0) + c.w.bytes();
}

/// Into how many parts a sum over batch and space is split, so that all multiprocessors have something to do.
uint64_t parts(const Convolution& c) {
  constexpr uint64_t kTile = 64;
  const uint64_t filters = static_cast<uint64_t>(c.w.dims[0]);
  const uint64_t weights = c.w.elements() / std::max<uint64_t>(filters, 1);
  const uint64_t tiles = ((filters + kTile - 1) / kTile) * ((weights + kTile - 1) / kTile);
  return std::max<uint64_t>(static_cast<uint64_t>(c.chip.multiprocessors) / std::max<uint64_t>(tiles, 1), 1);
}

uint64_t split_sums(const Convolution& c) {
  const uint64_t count = parts(c);
  return count > 1 ? count * c.w.elements() * kSingle : 0;
}

bool is_winograd(const Convolution& c) {
  return c.w.dims.size() == 4 && c.w.dims[2] == 3 && c.w.dims[3] == 3 && all_are(c.stride, 1) && all_are(c.dilation, 1);
}

/// Tiles of 6 by 6 for every 4 by 4 points of both sides, and 6 by 6 for a filter of 3 by 3.
uint64_t winograd(const Convolution& c) {
  return (c.x.elements() + c.y.elements()) * kSingle * 36 / 16 + c.w.elements() * kSingle * 36 / 9;
}

/// Half the spectrum of tiles of 32 by 32 points, for filters and both sides.
uint64_t fourier(const Convolution& c) {
  constexpr uint64_t kTile = 32;
  constexpr uint64_t kSpectrum = kTile * (kTile / 2 + 1) * 2 * kSingle;
  const uint64_t inner_height = kTile - static_cast<uint64_t>(c.w.dims[2]) + 1;
  const uint64_t inner_width = kTile - static_cast<uint64_t>(c.w.dims[3]) + 1;
  const auto tiles = [&](const DnnTensor& side) {
    const auto height = (static_cast<uint64_t>(side.dims[2]) + inner_height - 1) / inner_height;
    const auto width = (static_cast<uint64_t>(side.dims[3]) + inner_width - 1) / inner_width;
    return static_cast<uint64_t>(side.dims[0] * side.dims[1]) * height * width;
  };
  return (static_cast<uint64_t>(c.w.dims[0] * c.w.dims[1]) + tiles(c.x) + tiles(c.y)) * kSpectrum;
}

bool can_use_fourier(const Convolution& c) {
  return c.w.dims.size() == 4 && c.x.dims.size() == 4 && c.y.dims.size() == 4 && c.x.dims[1] == c.w.dims[1] &&
         std::max(c.w.dims[2], c.w.dims[3]) > 1 && std::max(c.w.dims[2], c.w.dims[3]) <= 32 && all_are(c.stride, 1) &&
         all_are(c.dilation, 1) && !c.x.is_channels_last();
}

}  // namespace

uint64_t convolution_workspace(const Convolution& convolution) {
  if (convolution.w.dims.empty()) return 0;
  const bool filter = convolution.direction == Direction::kBackwardFilter;
  if (has_tensor_cores(convolution)) return rearranged(convolution) + (filter ? split_sums(convolution) : 0);
  return filter && is_winograd(convolution) ? winograd(convolution) : 0;
}

uint64_t largest_convolution_workspace(const Convolution& convolution) {
  const uint64_t first = convolution_workspace(convolution);
  return can_use_fourier(convolution) ? std::max(first, fourier(convolution)) : first;
}

}  // namespace unfrag::null
