// Three of PyTorch's own functions: each calls PyTorch's, and says meanwhile of what type the new tensor is that every
// tensor goes through, or that a solver is asked whether it failed. As the null device is preloaded, these are found
// first.
//
// Source: aten/src/ATen/EmptyTensor.h and aten/src/ATen/native/BatchLinearAlgebra.cpp, the same from 2.6 to 2.15; of
// another signature they would have another name.
// C++ passes the classes among the arguments as the integers that are declared here (x86-64, System V), the result
// through a pointer before them. An exception goes through: no frame here has anything to clean up.
#include "rehearsal/null/torch_types.h"

#include <atomic>
#include <cstdint>
#include <utility>

#include "rehearsal/null/api.h"
#include "rehearsal/null/device_memory.h"
#include "rehearsal/null/pointers.h"
#include "rehearsal/null/torch_functions.h"

namespace unfrag::null {
namespace {

thread_local ElementType asked_for = ElementType::kNone;
thread_local bool solver_asked = false;

}  // namespace

ElementType element_type_asked_for() { return asked_for; }
void forget_element_type() { asked_for = ElementType::kNone; }
bool take_solver_question() { return std::exchange(solver_asked, false); }

}  // namespace unfrag::null

using unfrag::null::asked_for;
using unfrag::null::ElementType;
using unfrag::null::own;
using unfrag::null::solver_asked;

#define UNFRAG_EMPTY \
  _ZN2at6detail13empty_genericEN3c108ArrayRefIlEEPNS1_9AllocatorENS1_14DispatchKeySetENS1_10ScalarTypeESt8optionalINS1_12MemoryFormatEE
#define UNFRAG_EMPTY_STRIDED \
  _ZN2at6detail21empty_strided_genericEN3c108ArrayRefIlEES3_PNS1_9AllocatorENS1_14DispatchKeySetENS1_10ScalarTypeE
#define UNFRAG_CHECK_ERRORS _ZN2at6native20_linalg_check_errorsERKNS_6TensorESt17basic_string_viewIcSt11char_traitsIcEEb

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
// It reads first, as one bool, whether any of a batch failed. About solvers of the host it is not to be answered.
UNFRAG_NULL_API void UNFRAG_CHECK_ERRORS(const void* infos, size_t length, const char* name, bool is_matrix) {
  static std::atomic<void*> kept{nullptr};
  static std::atomic<void*> kept_data{nullptr};
  auto* const check = own(kept, __func__, UNFRAG_CHECK_ERRORS);
  auto* const data = own<const void*(const void*)>(kept_data, "_ZNK2at10TensorBase8data_ptrIiEEPT_v", nullptr);
  solver_asked = unfrag::null::device_memory().find(unfrag::null::to_number(data(infos))).has_value();
  check(infos, length, name, is_matrix);
  solver_asked = false;
}
// NOLINTEND(bugprone-reserved-identifier)
