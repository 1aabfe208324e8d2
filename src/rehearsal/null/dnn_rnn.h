// A recurrent network as cuDNN describes it: where each parameter lies in the one buffer for all, and what memory it
// works with.
//
//   buffer: matrices of layer 0 | ... of layer n | biases of layer 0 | ... of layer n
//   matrices of a layer and direction: a gate's for the input, each | a gate's for the state, each | the projection
//
// That the gates' matrices of one kind are neighbours is what PyTorch relies on. Sizes of work and reserve space are a
// rule of thumb. Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "rehearsal/null/dnn_tensor.h"

namespace unfrag::null {

struct Rnn {
  enum class Cell : uint8_t { kRelu, kTanh, kLstm, kGru };         // cudnnRNNMode_t
  enum class Bias : uint8_t { kNone, kInput, kBoth, kRecurrent };  // cudnnRNNBiasMode_t

  Cell cell = Cell::kLstm;
  Bias bias = Bias::kBoth;
  bool both_directions = false;
  bool skips_input = false;  ///< The first layer has no matrix for it.
  int type = kDnnFloat;
  uint64_t input = 0;
  uint64_t hidden = 0;
  uint64_t projected = 0;  ///< `hidden` where there is no projection.
  uint64_t layers = 0;

  [[nodiscard]] uint64_t gates() const;
  [[nodiscard]] uint64_t directions() const { return both_directions ? 2 : 1; }
  [[nodiscard]] bool has_projection() const { return cell == Cell::kLstm && projected != hidden; }
  [[nodiscard]] uint64_t element() const { return element_bits(type) / 8; }
};

struct RnnParameter {
  uint64_t offset = 0;  ///< From the start of the buffer, in bytes.
  uint64_t rows = 0;
  uint64_t columns = 1;
};

/// `pseudo_layer` counts directions as layers; `number`: the input's gates, then the state's, then the projection.
std::optional<RnnParameter> rnn_matrix(const Rnn& rnn, uint64_t pseudo_layer, uint64_t number);
std::optional<RnnParameter> rnn_bias(const Rnn& rnn, uint64_t pseudo_layer, uint64_t number);
uint64_t rnn_weights(const Rnn& rnn);

struct RnnBatch {
  uint64_t steps = 0;  ///< The longest sequence's.
  uint64_t sequences = 0;
};

/// One layer's gates before their activation, at all steps; in training also their gradients, and those of a layer's
/// input and output.
uint64_t rnn_workspace(const Rnn& rnn, const RnnBatch& batch, bool training);
/// What backward needs of every layer and step: the gates, the state that is not an output (LSTM), the part of the
/// candidate that comes from the state (GRU), and the output.
uint64_t rnn_reserve(const Rnn& rnn, const RnnBatch& batch);

}  // namespace unfrag::null
