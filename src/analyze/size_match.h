// Tells parameters and optimizer state by their sizes alone, where the recording began after they were made.
//
// Each parameter has a gradient of its own size, and an optimizer keeps so many tensors of that size (or, in single
// precision beside half, of twice that size) for each. If the blocks that were there all along come in exactly those
// numbers, size for size, then that is what they are. Their sums are certain; which of several blocks of one size is
// the parameter is not, and the first is taken. Threads: pure function.
#pragma once

#include <cstdint>
#include <vector>

namespace unfrag::analyze {

struct SizedLife {
  uint64_t size = 0;
  uint32_t life = 0;
};

struct SizeMatch {
  std::vector<uint32_t> parameters;       ///< Lives.
  std::vector<uint32_t> optimizer_state;  ///< Lives.
};

/// `gradients`: the sizes of one step's gradients; `parameters`: of the parameters known already; `candidates`: what
/// was alive all along, in the order in which it was made as far as known.
SizeMatch match_sizes(const std::vector<uint64_t>& gradients, const std::vector<uint64_t>& parameters,
                      const std::vector<SizedLife>& candidates);

}  // namespace unfrag::analyze
