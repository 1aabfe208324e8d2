#include "rehearsal/null/dnn_rnn.h"

namespace unfrag::null {
namespace {

uint64_t input_of(const Rnn& rnn, uint64_t pseudo_layer) {
  return pseudo_layer < rnn.directions() ? rnn.input : rnn.projected * rnn.directions();
}

bool has_input_matrices(const Rnn& rnn, uint64_t pseudo_layer) {
  return !rnn.skips_input || pseudo_layer >= rnn.directions();
}

/// Elements.
uint64_t matrices_of(const Rnn& rnn, uint64_t pseudo_layer) {
  const uint64_t input = has_input_matrices(rnn, pseudo_layer) ? input_of(rnn, pseudo_layer) : 0;
  return rnn.gates() * rnn.hidden * (input + rnn.projected) + (rnn.has_projection() ? rnn.projected * rnn.hidden : 0);
}

/// How many biases a gate has.
uint64_t biases(const Rnn& rnn) {
  if (rnn.bias == Rnn::Bias::kNone) return 0;
  return rnn.bias == Rnn::Bias::kBoth ? 2 : 1;
}

uint64_t all_matrices(const Rnn& rnn, uint64_t before) {
  uint64_t elements = 0;
  for (uint64_t layer = 0; layer < before; ++layer) elements += matrices_of(rnn, layer);
  return elements;
}

/// Values of one kind at all steps of all sequences, in all directions.
uint64_t values(const Rnn& rnn, const RnnBatch& batch) {
  return batch.steps * batch.sequences * rnn.directions() * rnn.element();
}

}  // namespace

uint64_t Rnn::gates() const {
  switch (cell) {
    case Cell::kLstm: return 4;
    case Cell::kGru: return 3;
    default: return 1;
  }
}

std::optional<RnnParameter> rnn_matrix(const Rnn& rnn, uint64_t pseudo_layer, uint64_t number) {
  const uint64_t gates = rnn.gates();
  if (pseudo_layer >= rnn.layers * rnn.directions()) return std::nullopt;
  const bool has_input = has_input_matrices(rnn, pseudo_layer);
  const uint64_t input = has_input ? input_of(rnn, pseudo_layer) : 0;
  const uint64_t begin = all_matrices(rnn, pseudo_layer);
  const uint64_t states = begin + gates * rnn.hidden * input;
  RnnParameter parameter;
  if (number < gates) {
    if (!has_input) return std::nullopt;
    parameter = {.offset = begin + number * rnn.hidden * input, .rows = rnn.hidden, .columns = input};
  } else if (number < 2 * gates) {
    const uint64_t before = (number - gates) * rnn.hidden * rnn.projected;
    parameter = {.offset = states + before, .rows = rnn.hidden, .columns = rnn.projected};
  } else if (number == 2 * gates && rnn.has_projection()) {
    const uint64_t before = gates * rnn.hidden * rnn.projected;
    parameter = {.offset = states + before, .rows = rnn.projected, .columns = rnn.hidden};
  } else {
    return std::nullopt;
  }
  parameter.offset *= rnn.element();
  return parameter;
}

std::optional<RnnParameter> rnn_bias(const Rnn& rnn, uint64_t pseudo_layer, uint64_t number) {
  const uint64_t gates = rnn.gates();
  const uint64_t layers = rnn.layers * rnn.directions();
  if (pseudo_layer >= layers || number >= 2 * gates) return std::nullopt;
  const bool is_input = number < gates;
  if (rnn.bias == Rnn::Bias::kNone || (rnn.bias == Rnn::Bias::kInput && !is_input) ||
      (rnn.bias == Rnn::Bias::kRecurrent && is_input)) {
    return std::nullopt;
  }
  const uint64_t within = rnn.bias == Rnn::Bias::kBoth ? number : number % gates;
  const uint64_t before = all_matrices(rnn, layers) + (pseudo_layer * gates * biases(rnn) + within) * rnn.hidden;
  return RnnParameter{.offset = before * rnn.element(), .rows = rnn.hidden};
}

uint64_t rnn_weights(const Rnn& rnn) {
  const uint64_t layers = rnn.layers * rnn.directions();
  return (all_matrices(rnn, layers) + layers * rnn.gates() * biases(rnn) * rnn.hidden) * rnn.element();
}

uint64_t rnn_workspace(const Rnn& rnn, const RnnBatch& batch, bool training) {
  const uint64_t gates = values(rnn, batch) * rnn.gates() * rnn.hidden;
  const uint64_t outputs = values(rnn, batch) * rnn.projected;
  return training ? 2 * gates + 2 * outputs : gates;
}

uint64_t rnn_reserve(const Rnn& rnn, const RnnBatch& batch) {
  const bool keeps_more = rnn.cell == Rnn::Cell::kLstm || rnn.cell == Rnn::Cell::kGru;
  const uint64_t kept = (rnn.gates() + (keeps_more ? 1 : 0)) * rnn.hidden + rnn.projected;
  return values(rnn, batch) * rnn.layers * kept;
}

}  // namespace unfrag::null
