#include <algorithm>

#include "rehearsal/null/dnn_convolution.h"

namespace unfrag::null {
namespace {

using Direction = Convolution::Direction;

bool all_are(const std::vector<int64_t>& values, int64_t wanted) {
  return std::ranges::all_of(values, [=](int64_t value) { return value == wanted; });
}

bool is_half(const Convolution& c) { return c.x.type == kDnnHalf || c.x.type == kDnnBfloat16; }

bool has_tensor_cores(const Convolution& c) {
  if (c.x.type == kDnnHalf) return c.chip.compute_major >= 7;
  return (c.x.type == kDnnFloat || c.x.type == kDnnBfloat16) && c.chip.compute_major >= 8;
}

/// Image, filter and response.
uint64_t all_bytes(const Convolution& c) { return c.x.bytes() + c.y.bytes() + c.w.bytes(); }

/// Single precision with channels last is copied all the same before Hopper, but what is written.
uint64_t copied_with_channels_last(const Convolution& c) {
  constexpr int kHopper = 9;
  if (is_half(c) || c.chip.compute_major >= kHopper) return 0;
  switch (c.direction) {
    case Direction::kForward: return c.x.bytes() + c.w.bytes();
    case Direction::kBackwardData: return c.y.bytes() + c.w.bytes();
    default: return c.x.bytes() + c.y.bytes();
  }
}

uint64_t copied(const Convolution& c) {
  if (c.x.is_channels_last()) return copied_with_channels_last(c);
  const bool writes_in_place = !is_half(c) && c.direction == Direction::kForward;
  return writes_in_place ? c.x.bytes() + c.w.bytes() : all_bytes(c);
}

constexpr int64_t kTile = 32;  ///< A transform's, in both directions.

uint64_t tiles(int64_t length, int64_t filter) {
  const int64_t inner = kTile - filter + 1;
  return static_cast<uint64_t>((length + inner - 1) / inner);
}

/// Of each channel of each image, or each filter for each channel: half the complex spectrum of every tile.
uint64_t spectrum(const Convolution& c) {
  constexpr uint64_t kTileBytes = uint64_t{kTile} * (kTile / 2 + 1) * 2 * sizeof(float);
  const auto count = [&](const DnnTensor& side) {
    return static_cast<uint64_t>(side.dims[0] * side.dims[1]) * tiles(side.dims[2], c.w.dims[2]) *
           tiles(side.dims[3], c.w.dims[3]);
  };
  return (static_cast<uint64_t>(c.w.dims[0] * c.w.dims[1]) + count(c.x) + count(c.y)) * kTileBytes;
}

bool can_be_transformed(const Convolution& c) {
  constexpr size_t kPlane = 4;
  if (c.w.dims.size() != kPlane || c.x.dims.size() != kPlane || c.y.dims.size() != kPlane) return false;
  const auto [least, most] = std::minmax(c.w.dims[2], c.w.dims[3]);
  return c.x.type == kDnnFloat && c.x.dims[1] == c.w.dims[1] && least > 0 && most > 1 && most <= kTile &&
         all_are(c.stride, 1) && all_are(c.dilation, 1);
}

}  // namespace

uint64_t convolution_workspace(const Convolution& convolution) {
  return has_tensor_cores(convolution) ? copied(convolution) : 0;
}

uint64_t largest_convolution_workspace(const Convolution& convolution) {
  if (can_be_transformed(convolution)) return std::max(convolution_workspace(convolution), spectrum(convolution));
  // Copies of all, and in half precision one more in the other layout.
  const bool twice = is_half(convolution) && !convolution.x.is_channels_last();
  return all_bytes(convolution) * (twice ? 2 : 1);
}

}  // namespace unfrag::null
