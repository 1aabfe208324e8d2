// cuDNN's older interface to convolutions: one algorithm each, with the workspace of the newer one (dnn_convolution.h).
#include <array>
#include <vector>

#include "rehearsal/null/api.h"
#include "rehearsal/null/dnn_calls.h"
#include "rehearsal/null/dnn_convolution.h"
#include "rehearsal/null/entered.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kMath>;

using Direction = Convolution::Direction;

/// A cudnnConvolutionDescriptor_t.
struct HowToConvolve {
  std::vector<int64_t> stride, dilation;
  int math_type = 0;
};
HowToConvolve& how_to(void* descriptor) { return *static_cast<HowToConvolve*>(descriptor); }

/// cudnnConvolutionFwdAlgoPerf_t and its two siblings.
struct Performance {
  int algorithm;
  int status;
  float milliseconds;
  size_t workspace;
  int deterministic;
  int math_type;
  std::array<int, 3> reserved;
};
static_assert(sizeof(Performance) == 48);

/// Number 1 of each direction: for the two gradients the one that always gives the same.
constexpr int kAlgorithm = 1;

struct Asked {
  Direction direction;
  const void* x;
  const void* w;
  const void* y;
  const void* how;
};

uint64_t workspace_of(const Asked& asked) {
  const auto& how = *static_cast<const HowToConvolve*>(asked.how);
  return convolution_workspace({.direction = asked.direction,
                                .x = dnn_tensor(asked.x),
                                .w = dnn_tensor(asked.w),
                                .y = dnn_tensor(asked.y),
                                .stride = how.stride,
                                .dilation = how.dilation,
                                .chip = dnn_chip()});
}

DnnStatus propose(const Asked& asked, int room, int* found, void* results) {
  if (room < 1 || results == nullptr || asked.how == nullptr) return kDnnBadParameter;
  auto* const first = static_cast<Performance*>(results);
  *first = {.algorithm = kAlgorithm,
            .status = kDnnSuccess,
            .milliseconds = 1,
            .workspace = 0,
            .deterministic = 1,
            .math_type = static_cast<const HowToConvolve*>(asked.how)->math_type,
            .reserved = {}};
  if (found != nullptr) *found = 1;
  return answer_modelled(&first->workspace, workspace_of(asked));
}

DnnStatus answer_size(const Asked& asked, size_t* size) {
  return asked.how == nullptr ? kDnnBadParameter : answer_modelled(size, workspace_of(asked));
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API DnnStatus cudnnCreateConvolutionDescriptor(void** descriptor) {
  const Entered entered;
  *descriptor = new HowToConvolve;
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnDestroyConvolutionDescriptor(void* descriptor) {
  const Entered entered;
  delete static_cast<HowToConvolve*>(descriptor);
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnSetConvolutionNdDescriptor(void* descriptor, int count, const int*, const int* strides,
                                                          const int* dilations, int, int) {
  const Entered entered;
  if (descriptor == nullptr || count < 0) return kDnnBadParameter;
  how_to(descriptor).stride.assign(strides, strides + count);
  how_to(descriptor).dilation.assign(dilations, dilations + count);
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnSetConvolutionMathType(void* descriptor, int type) {
  const Entered entered;
  how_to(descriptor).math_type = type;
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnSetConvolutionGroupCount(void*, int) {  // the filter tells
  return Entered(), kDnnSuccess;
}

UNFRAG_NULL_API DnnStatus cudnnGetConvolutionForwardAlgorithm_v7(void*, const void* x, const void* w, const void* how,
                                                                 const void* y, int room, int* found, void* results) {
  const Entered entered;
  return propose({Direction::kForward, x, w, y, how}, room, found, results);
}
UNFRAG_NULL_API DnnStatus cudnnGetConvolutionBackwardDataAlgorithm_v7(void*, const void* w, const void* y,
                                                                      const void* how, const void* x, int room,
                                                                      int* found, void* results) {
  const Entered entered;
  return propose({Direction::kBackwardData, x, w, y, how}, room, found, results);
}
UNFRAG_NULL_API DnnStatus cudnnGetConvolutionBackwardFilterAlgorithm_v7(void*, const void* x, const void* y,
                                                                        const void* how, const void* w, int room,
                                                                        int* found, void* results) {
  const Entered entered;
  return propose({Direction::kBackwardFilter, x, w, y, how}, room, found, results);
}

UNFRAG_NULL_API DnnStatus cudnnFindConvolutionForwardAlgorithmEx(void*, const void* x, const void*, const void* w,
                                                                 const void*, const void* how, const void* y, void*,
                                                                 int room, int* found, void* results, void*, size_t) {
  const Entered entered;
  return propose({Direction::kForward, x, w, y, how}, room, found, results);
}
UNFRAG_NULL_API DnnStatus cudnnFindConvolutionBackwardDataAlgorithmEx(void*, const void* w, const void*, const void* y,
                                                                      const void*, const void* how, const void* x,
                                                                      void*, int room, int* found, void* results, void*,
                                                                      size_t) {
  const Entered entered;
  return propose({Direction::kBackwardData, x, w, y, how}, room, found, results);
}
UNFRAG_NULL_API DnnStatus cudnnFindConvolutionBackwardFilterAlgorithmEx(void*, const void* x, const void*,
                                                                        const void* y, const void*, const void* how,
                                                                        const void* w, void*, int room, int* found,
                                                                        void* results, void*, size_t) {
  const Entered entered;
  return propose({Direction::kBackwardFilter, x, w, y, how}, room, found, results);
}

UNFRAG_NULL_API DnnStatus cudnnGetConvolutionForwardWorkspaceSize(void*, const void* x, const void* w, const void* how,
                                                                  const void* y, int, size_t* size) {
  const Entered entered;
  return answer_size({Direction::kForward, x, w, y, how}, size);
}
UNFRAG_NULL_API DnnStatus cudnnGetConvolutionBackwardDataWorkspaceSize(void*, const void* w, const void* y,
                                                                       const void* how, const void* x, int,
                                                                       size_t* size) {
  const Entered entered;
  return answer_size({Direction::kBackwardData, x, w, y, how}, size);
}
UNFRAG_NULL_API DnnStatus cudnnGetConvolutionBackwardFilterWorkspaceSize(void*, const void* x, const void* y,
                                                                         const void* how, const void* w, int,
                                                                         size_t* size) {
  const Entered entered;
  return answer_size({Direction::kBackwardFilter, x, w, y, how}, size);
}
