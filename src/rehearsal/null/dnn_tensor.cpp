#include "rehearsal/null/dnn_tensor.h"

#include <algorithm>
#include <array>

namespace unfrag::null {
namespace {

// By number: float, double, half, int8, int32, int8x4, uint8, uint8x4, int8x32, bfloat16, int64, boolean, two of 8
// bits, float for those, 8, 4, 4, 4, uint32, two complex ones, a boolean in a byte, 8.
constexpr std::array<uint16_t, 24> kBits = {32, 64, 16, 8, 32, 32, 8, 32, 256, 16,  64, 1,
                                            8,  8,  32, 8, 4,  4,  4, 32, 64,  128, 8,  8};

}  // namespace

uint64_t element_bits(int type) {
  return type >= 0 && static_cast<size_t>(type) < kBits.size() ? kBits[static_cast<size_t>(type)] : 0;
}

uint64_t DnnTensor::elements() const {
  uint64_t product = dims.empty() ? 0 : 1;
  for (const int64_t dim : dims) product *= static_cast<uint64_t>(std::max<int64_t>(dim, 0));
  return product;
}

uint64_t DnnTensor::bytes() const { return (elements() * element_bits(type) + 7) / 8; }

bool DnnTensor::is_channels_last() const { return strides.size() > 2 && strides[1] == 1; }

}  // namespace unfrag::null
