// cuDNN's connectionist temporal classification and the states of its dropout: the sizes that it is asked for.
#include <algorithm>

#include "rehearsal/null/api.h"
#include "rehearsal/null/dnn_calls.h"
#include "rehearsal/null/dnn_ctc.h"
#include "rehearsal/null/dnn_dropout.h"
#include "rehearsal/null/entered.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kMath>;

/// A cudnnCTCLossDescriptor_t.
struct CtcDescriptor {
  int longest_label = 0;
};

/// `probabilities`: steps, batch, symbols.
CtcLoss loss_of(const void* probabilities, const void* gradients, uint64_t longest_label) {
  const DnnTensor& tensor = dnn_tensor(probabilities);
  if (tensor.dims.size() != 3) return {};
  return {.steps = static_cast<uint64_t>(tensor.dims[0]),
          .batch = static_cast<uint64_t>(tensor.dims[1]),
          .symbols = static_cast<uint64_t>(tensor.dims[2]),
          .longest_label = longest_label,
          .gradient = gradients != nullptr};
}

uint64_t longest(const int* lengths, uint64_t count) {
  return lengths == nullptr || count == 0
             ? 0
             : static_cast<uint64_t>(std::max(0, *std::max_element(lengths, lengths + count)));
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API DnnStatus cudnnCreateCTCLossDescriptor(void** descriptor) {
  const Entered entered;
  *descriptor = new CtcDescriptor;
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnDestroyCTCLossDescriptor(void* descriptor) {
  const Entered entered;
  delete static_cast<CtcDescriptor*>(descriptor);
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnSetCTCLossDescriptorEx(void*, int, int, int) { return Entered(), kDnnSuccess; }
UNFRAG_NULL_API DnnStatus cudnnSetCTCLossDescriptor_v9(void* descriptor, int, int, int, int longest_label) {
  const Entered entered;
  static_cast<CtcDescriptor*>(descriptor)->longest_label = longest_label;
  return kDnnSuccess;
}

/// The lengths are the host's here.
UNFRAG_NULL_API DnnStatus cudnnGetCTCLossWorkspaceSize(void*, const void* probabilities, const void* gradients,
                                                       const int*, const int* label_lengths, const int*, int, void*,
                                                       size_t* size) {
  const Entered entered;
  CtcLoss loss = loss_of(probabilities, gradients, 0);
  loss.longest_label = longest(label_lengths, loss.batch);
  return answer_modelled(size, ctc_workspace(loss));
}
UNFRAG_NULL_API DnnStatus cudnnGetCTCLossWorkspaceSize_v8(void*, int, void* descriptor, const void* probabilities,
                                                          const void* gradients, size_t* size) {
  const Entered entered;
  const int longest_label = static_cast<const CtcDescriptor*>(descriptor)->longest_label;
  return answer_modelled(
      size, ctc_workspace(loss_of(probabilities, gradients, static_cast<uint64_t>(std::max(0, longest_label)))));
}

UNFRAG_NULL_API DnnStatus cudnnDropoutGetStatesSize(void*, size_t* size) {
  const Entered entered;
  return answer_modelled(size, dropout_states(dnn_chip()));
}
