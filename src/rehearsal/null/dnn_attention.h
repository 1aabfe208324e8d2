// What memory cuDNN wants to work on attention with: a rule of thumb. Threads: pure functions.
#pragma once

#include <cstdint>

namespace unfrag::null {

struct Attention {
  bool backward = false;
  uint64_t rows = 0;   ///< Of the queries: batch, heads, length.
  uint64_t width = 0;  ///< Of a head.
};

/// Forward everything stays on the chip. Backward the gradient of the queries is summed in single precision by blocks
/// of keys that finish in any order, next to one number a row: the row's gradient times its output.
inline uint64_t attention_workspace(const Attention& attention) {
  constexpr uint64_t kSingle = 4;
  return attention.backward ? attention.rows * (attention.width + 1) * kSingle : 0;
}

}  // namespace unfrag::null
