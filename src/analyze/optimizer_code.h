// Which stacks belong to an optimizer itself: to its step (and not to the closure that a step may run), or to
// zero_grad. They mark where a training step is, and what they keep is the optimizer's state.
// Threads: safe after construction.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "trace/trace.h"

namespace unfrag::analyze {

class OptimizerCode {
 public:
  enum Part : uint8_t { kNone, kStep, kZeroGrad };

  /// Looks at every stack once.
  explicit OptimizerCode(const trace::Trace& trace);
  [[nodiscard]] Part part_of(trace::StackIdx stack) const { return parts_[stack.value()]; }
  [[nodiscard]] bool has(Part part) const { return has_[part]; }

 private:
  std::vector<Part> parts_;
  std::array<bool, 3> has_{};
};

}  // namespace unfrag::analyze
