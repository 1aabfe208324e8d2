// cuDNN's batch normalization: the sizes that it is asked for. What computes succeeds by rule (dnn_rules.cpp).
#include "rehearsal/null/api.h"
#include "rehearsal/null/dnn_calls.h"
#include "rehearsal/null/dnn_norm.h"
#include "rehearsal/null/entered.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kMath>;

constexpr int kPersistent = 2;  // cudnnBatchNormMode_t
constexpr int kPlain = 0;       // cudnnBatchNormOps_t

BatchNorm norm_of(int mode, int operations, const void* x) {
  return {.persistent = mode == kPersistent, .activated = operations != kPlain, .x = dnn_tensor(x), .chip = dnn_chip()};
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API DnnStatus cudnnGetBatchNormalizationForwardTrainingExWorkspaceSize(void*, int mode, int operations,
                                                                                   const void* x, const void*,
                                                                                   const void*, const void*,
                                                                                   const void*, size_t* size) {
  const Entered entered;
  return answer_modelled(size, norm_workspace(norm_of(mode, operations, x)));
}
UNFRAG_NULL_API DnnStatus cudnnGetBatchNormalizationBackwardExWorkspaceSize(void*, int mode, int operations,
                                                                            const void* x, const void*, const void*,
                                                                            const void*, const void*, const void*,
                                                                            const void*, size_t* size) {
  const Entered entered;
  return answer_modelled(size, norm_workspace(norm_of(mode, operations, x)));
}
UNFRAG_NULL_API DnnStatus cudnnGetBatchNormalizationTrainingExReserveSpaceSize(void*, int mode, int operations,
                                                                               const void*, const void* x,
                                                                               size_t* size) {
  const Entered entered;
  return answer_modelled(size, norm_reserve(norm_of(mode, operations, x)));
}
