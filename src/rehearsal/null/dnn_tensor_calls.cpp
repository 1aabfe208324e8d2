// cuDNN's descriptors of tensors and filters, which are set and read back.
#include <algorithm>
#include <utility>
#include <vector>

#include "rehearsal/null/api.h"
#include "rehearsal/null/dnn_calls.h"
#include "rehearsal/null/entered.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kMath>;

DnnStatus create(void** descriptor) {
  *descriptor = new DnnTensor;
  return kDnnSuccess;
}
DnnStatus destroy(void* descriptor) {
  delete static_cast<DnnTensor*>(descriptor);
  return kDnnSuccess;
}

std::vector<int64_t> numbers(int count, const int* from) { return {from, from + std::max(count, 0)}; }

void write(const std::vector<int64_t>& from, int room, int* to) {
  if (to == nullptr) return;
  for (size_t i = 0; i < from.size() && static_cast<int>(i) < room; ++i) to[i] = static_cast<int>(from[i]);
}

/// Of a tensor without gaps; `channels_last`: the second dimension is the innermost.
std::vector<int64_t> packed(const std::vector<int64_t>& dims, bool channels_last) {
  std::vector<int64_t> strides(dims.size(), 1);
  int64_t stride = channels_last && dims.size() > 1 ? dims[1] : 1;
  for (size_t i = dims.size(); i-- > 0;) {
    if (channels_last && i == 1) continue;
    strides[i] = stride;
    stride *= dims[i];
  }
  return strides;
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API DnnStatus cudnnCreateTensorDescriptor(void** descriptor) { return Entered(), create(descriptor); }
UNFRAG_NULL_API DnnStatus cudnnDestroyTensorDescriptor(void* descriptor) { return Entered(), destroy(descriptor); }
UNFRAG_NULL_API DnnStatus cudnnSetTensorNdDescriptor(void* descriptor, int type, int count, const int* dims,
                                                     const int* strides) {
  const Entered entered;
  if (descriptor == nullptr || dims == nullptr || strides == nullptr) return kDnnBadParameter;
  *static_cast<DnnTensor*>(descriptor) = {
      .type = type, .dims = numbers(count, dims), .strides = numbers(count, strides)};
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnGetTensorNdDescriptor(const void* descriptor, int room, int* type, int* count, int* dims,
                                                     int* strides) {
  const Entered entered;
  const DnnTensor& tensor = dnn_tensor(descriptor);
  if (type != nullptr) *type = tensor.type;
  if (count != nullptr) *count = static_cast<int>(tensor.dims.size());
  write(tensor.dims, room, dims);
  write(tensor.strides, room, strides);
  return kDnnSuccess;
}

UNFRAG_NULL_API DnnStatus cudnnCreateFilterDescriptor(void** descriptor) { return Entered(), create(descriptor); }
UNFRAG_NULL_API DnnStatus cudnnDestroyFilterDescriptor(void* descriptor) { return Entered(), destroy(descriptor); }
UNFRAG_NULL_API DnnStatus cudnnSetFilterNdDescriptor(void* descriptor, int type, int format, int count,
                                                     const int* dims) {
  const Entered entered;
  constexpr int kChannelsLast = 1;
  if (descriptor == nullptr || dims == nullptr) return kDnnBadParameter;
  std::vector<int64_t> all = numbers(count, dims);
  std::vector<int64_t> strides = packed(all, format == kChannelsLast);
  *static_cast<DnnTensor*>(descriptor) = {.type = type, .dims = std::move(all), .strides = std::move(strides)};
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnGetFilterNdDescriptor(const void* descriptor, int room, int* type, int* format,
                                                     int* count, int* dims) {
  const Entered entered;
  const DnnTensor& filter = dnn_tensor(descriptor);
  if (type != nullptr) *type = filter.type;
  if (format != nullptr) *format = filter.is_channels_last() ? 1 : 0;
  if (count != nullptr) *count = static_cast<int>(filter.dims.size());
  write(filter.dims, room, dims);
  return kDnnSuccess;
}
