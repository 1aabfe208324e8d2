// What single frames say about an allocation: the table of known files and functions of PyTorch and of packages built
// on it. How the frames of a stack combine is for `stack_roles`. Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace unfrag::analyze {

enum class FrameTag : uint8_t {
  kNeutral,
  kNative,      ///< C++ that says nothing.
  kUser,        ///< The user's own Python.
  kInit,        ///< Somebody's __init__.
  kClosure,     ///< A closure that an optimizer's step calls.
  kModuleCall,  ///< nn.Module.__call__.
  kFunction,    ///< torch.nn.functional and its like.
  kSetup,
  kData,
  kEngine,     ///< autograd's.
  kApply,      ///< Of a torch.autograd.Function: forward, or, as the outermost frame of a stack, backward.
  kBuckets,    ///< Gradients are gathered for other ranks.
  kStep,       ///< An optimizer's step, or the wrapper around it.
  kTorchStep,  ///< Inside one of torch.optim's own steps, which call nobody's code but a closure.
  kState,
  kZeroGrad,
  kScratch,
};

struct FrameRule {
  std::string_view path;   ///< Of the file below site-packages; a folder if it ends in '/'.
  std::string_view names;  ///< Functions, separated by spaces; none: all.
  FrameTag tag;
};

/// Those that are about one file, in order of precedence.
std::vector<const FrameRule*> rules_for(std::string_view filename);
/// What the first rule that fits says of a function, else kNeutral.
FrameTag python_tag(const std::vector<const FrameRule*>& rules, std::string_view function);
/// What a C++ function says.
FrameTag native_tag(std::string_view function);

}  // namespace unfrag::analyze
