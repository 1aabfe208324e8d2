// Which line of a stack is the user's own: the innermost frame outside PyTorch, the standard library and
// installed packages. Threads: safe after construction.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "analyze/optimizer_code.h"
#include "trace/trace.h"

namespace unfrag::analyze {

/// How close a frame is to the user's code.
enum class Origin : uint8_t {
  kUser,      ///< A Python file or notebook cell of the user's own.
  kPackage,   ///< An installed package that is not PyTorch (fastai, transformers, ...).
  kPyTorch,   ///< torch's own Python.
  kStandard,  ///< Python's standard library, the interpreter's machinery.
  kNative,    ///< Not Python: C++ of PyTorch, CPython, CUDA.
};
Origin origin_of(std::string_view filename);

constexpr std::string_view origin_name(Origin origin) {
  constexpr std::array<std::string_view, 5> kNames = {"user", "package", "pytorch", "standard", "native"};
  return kNames[static_cast<size_t>(origin)];
}

/// The line of a stack to blame for its bytes.
struct Culprit {
  trace::FrameIdx frame;  ///< none() for an empty stack.
  Origin origin = Origin::kNative;
};

/// Finds the culprit of every stack of a trace once.
class UserCode {
 public:
  explicit UserCode(const trace::Trace& trace);
  /// The innermost frame of the closest origin that the stack has: the user's, else a package's, else PyTorch's, ...
  [[nodiscard]] Culprit culprit(trace::StackIdx stack) const { return culprits_[stack.value()]; }
  /// Which stacks are an optimizer's own.
  [[nodiscard]] const OptimizerCode& optimizer() const { return optimizer_; }

 private:
  std::vector<Culprit> culprits_;
  OptimizerCode optimizer_;
};

}  // namespace unfrag::analyze
