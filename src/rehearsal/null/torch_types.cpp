// Two of PyTorch's own functions, which every new tensor goes through: each calls PyTorch's and says meanwhile of what
// type the tensor is. As the null device is preloaded, libtorch_cuda.so finds these first.
//
// Source: aten/src/ATen/EmptyTensor.h, the same from 2.6 to 2.15; of another signature they would have another name.
// C++ passes the classes among the arguments as the integers that are declared here (x86-64, System V), the result
// through a pointer before them. An exception goes through: no frame here has anything to clean up.
#include "rehearsal/null/torch_types.h"

#include <atomic>
#include <cstdint>

#include "rehearsal/null/api.h"
#include "rehearsal/null/torch_functions.h"

namespace unfrag::null {
namespace {

thread_local ElementType asked_for = ElementType::kNone;

}  // namespace

ElementType element_type_asked_for() { return asked_for; }
void forget_element_type() { asked_for = ElementType::kNone; }

}  // namespace unfrag::null

using unfrag::null::asked_for;
using unfrag::null::ElementType;
using unfrag::null::own;

#define UNFRAG_EMPTY \
  _ZN2at6detail13empty_genericEN3c108ArrayRefIlEEPNS1_9AllocatorENS1_14DispatchKeySetENS1_10ScalarTypeESt8optionalINS1_12MemoryFormatEE
#define UNFRAG_EMPTY_STRIDED \
  _ZN2at6detail21empty_strided_genericEN3c108ArrayRefIlEES3_PNS1_9AllocatorENS1_14DispatchKeySetENS1_10ScalarTypeE

// NOLINTBEGIN(bugprone-reserved-identifier): C++'s names.
UNFRAG_NULL_API void* UNFRAG_EMPTY(void* result, const int64_t* sizes, size_t dimensions, void* allocator,
                                   uint64_t keys, int8_t type, uint64_t memory_format) {
  static std::atomic<void*> kept{nullptr};
  auto* const empty = own(kept, __func__, UNFRAG_EMPTY);
  asked_for = ElementType{type};
  void* const tensor = empty(result, sizes, dimensions, allocator, keys, type, memory_format);
  asked_for = ElementType::kNone;
  return tensor;
}
UNFRAG_NULL_API void* UNFRAG_EMPTY_STRIDED(void* result, const int64_t* sizes, size_t dimensions,
                                           const int64_t* strides, size_t other_dimensions, void* allocator,
                                           uint64_t keys, int8_t type) {
  static std::atomic<void*> kept{nullptr};
  auto* const empty = own(kept, __func__, UNFRAG_EMPTY_STRIDED);
  asked_for = ElementType{type};
  void* const tensor = empty(result, sizes, dimensions, strides, other_dimensions, allocator, keys, type);
  asked_for = ElementType::kNone;
  return tensor;
}
// NOLINTEND(bugprone-reserved-identifier)
