// cuDNN's recurrent networks: descriptors, sizes and the places of parameters. What computes succeeds by rule.
#include <algorithm>

#include "rehearsal/null/api.h"
#include "rehearsal/null/dnn_calls.h"
#include "rehearsal/null/dnn_rnn.h"
#include "rehearsal/null/entered.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kMath>;

constexpr int kBothDirections = 1;  // cudnnDirectionMode_t
constexpr int kSkipInput = 1;       // cudnnRNNInputMode_t
constexpr int kTraining = 1;        // cudnnForwardMode_t

Rnn& rnn_of(void* descriptor) { return *static_cast<Rnn*>(descriptor); }
uint64_t at_least_0(int number) { return static_cast<uint64_t>(std::max(number, 0)); }

/// Where the parameter lies in a buffer, and its shape, written to what the program brings of the two.
void tell(const std::optional<RnnParameter>& parameter, int type, const void* buffer, void* descriptor,
          void** address) {
  if (address != nullptr) {
    *address = parameter ? const_cast<char*>(static_cast<const char*>(buffer)) + parameter->offset : nullptr;
  }
  if (descriptor == nullptr || !parameter) return;
  const auto rows = static_cast<int64_t>(parameter->rows);
  const auto columns = static_cast<int64_t>(parameter->columns);
  *static_cast<DnnTensor*>(descriptor) = {
      .type = type, .dims = {1, rows, columns}, .strides = {rows * columns, columns, 1}};
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API DnnStatus cudnnCreateRNNDescriptor(void** descriptor) {
  const Entered entered;
  *descriptor = new Rnn;
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnDestroyRNNDescriptor(void* descriptor) {
  const Entered entered;
  delete static_cast<Rnn*>(descriptor);
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnSetRNNDescriptor_v8(void* descriptor, int, int cell, int bias, int direction, int input,
                                                   int type, int, int, int32_t input_size, int32_t hidden,
                                                   int32_t projected, int32_t layers, void*, uint32_t) {
  const Entered entered;
  if (descriptor == nullptr || cell < 0 || cell > 3 || bias < 0 || bias > 3) return kDnnBadParameter;
  rnn_of(descriptor) = {.cell = static_cast<Rnn::Cell>(cell),
                        .bias = static_cast<Rnn::Bias>(bias),
                        .both_directions = direction == kBothDirections,
                        .skips_input = input == kSkipInput,
                        .type = type,
                        .input = at_least_0(input_size),
                        .hidden = at_least_0(hidden),
                        .projected = at_least_0(projected > 0 ? projected : hidden),
                        .layers = at_least_0(layers)};
  return kDnnSuccess;
}

UNFRAG_NULL_API DnnStatus cudnnCreateRNNDataDescriptor(void** descriptor) {
  const Entered entered;
  *descriptor = new RnnBatch;
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnDestroyRNNDataDescriptor(void* descriptor) {
  const Entered entered;
  delete static_cast<RnnBatch*>(descriptor);
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnSetRNNDataDescriptor(void* descriptor, int, int, int steps, int sequences, int,
                                                    const int*, void*) {
  const Entered entered;
  if (descriptor == nullptr) return kDnnBadParameter;
  *static_cast<RnnBatch*>(descriptor) = {.steps = at_least_0(steps), .sequences = at_least_0(sequences)};
  return kDnnSuccess;
}

UNFRAG_NULL_API DnnStatus cudnnGetRNNWeightSpaceSize(void*, void* descriptor, size_t* size) {
  const Entered entered;
  return answer_modelled(size, rnn_weights(rnn_of(descriptor)));
}
/// Either size may be left out.
UNFRAG_NULL_API DnnStatus cudnnGetRNNTempSpaceSizes(void*, void* descriptor, int mode, const void* data,
                                                    size_t* workspace, size_t* reserve) {
  const Entered entered;
  const Rnn& rnn = rnn_of(descriptor);
  const RnnBatch& batch = *static_cast<const RnnBatch*>(data);
  const bool training = mode == kTraining;
  if (workspace != nullptr) answer_modelled(workspace, rnn_workspace(rnn, batch, training));
  if (reserve != nullptr) answer_modelled(reserve, training ? rnn_reserve(rnn, batch) : 0);
  return kDnnSuccess;
}

UNFRAG_NULL_API DnnStatus cudnnGetRNNWeightParams(void*, void* descriptor, int32_t pseudo_layer, size_t,
                                                  const void* buffer, int32_t number, void* matrix,
                                                  void** matrix_address, void* bias, void** bias_address) {
  const Entered entered;
  if (descriptor == nullptr || pseudo_layer < 0 || number < 0) return kDnnBadParameter;
  const Rnn& rnn = rnn_of(descriptor);
  const uint64_t layer = at_least_0(pseudo_layer);
  tell(rnn_matrix(rnn, layer, at_least_0(number)), rnn.type, buffer, matrix, matrix_address);
  tell(rnn_bias(rnn, layer, at_least_0(number)), rnn.type, buffer, bias, bias_address);
  return kDnnSuccess;
}
