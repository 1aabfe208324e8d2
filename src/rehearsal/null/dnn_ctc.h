// What memory cuDNN wants for a connectionist temporal classification loss: a rule of thumb. Threads: pure functions.
#pragma once

#include <cstdint>

namespace unfrag::null {

struct CtcLoss {
  uint64_t steps = 0;
  uint64_t batch = 0;
  uint64_t symbols = 0;        ///< The blank among them.
  uint64_t longest_label = 0;  ///< Of the batch.
  bool gradient = false;
};

/// The probabilities after their softmax, and how likely each prefix of a label is at each step; for the gradient each
/// rest of one too. A label has a blank before, after and between its symbols.
inline uint64_t ctc_workspace(const CtcLoss& loss) {
  constexpr uint64_t kSingle = 4;
  const uint64_t states = 2 * loss.longest_label + 1;
  return loss.steps * loss.batch * (loss.symbols + states * (loss.gradient ? 2 : 1)) * kSingle;
}

}  // namespace unfrag::null
