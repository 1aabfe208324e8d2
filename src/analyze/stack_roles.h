// What the program was doing when it asked for memory, as far as the frames of the stack tell: setting up a module,
// its forward pass, the backward pass, an optimizer's step, loading data.
//
// Each frame is looked at once, and each stack once when it is first asked for, so one object serves all devices.
// What is not certain is left to `kinds`, which also knows when blocks live. The rules in words: docs/guide/kinds.md.
// Threads: one thread.
#pragma once

#include <tsl/robin_set.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "analyze/frame_rules.h"
#include "analyze/user_code.h"
#include "trace/trace.h"

namespace unfrag::analyze {

enum class Role : uint8_t {
  kNoFrames,     ///< An empty stack.
  kNative,       ///< C++ frames that tell nothing.
  kUnclear,      ///< Python that tells nothing by itself: a line of the user's own, outside of all below.
  kConstructor,  ///< The same in somebody's __init__.
  kSetup,        ///< A module is made, moved, converted or loaded.
  kData,         ///< A batch is made or moved.
  kForward,      ///< In the call of a module.
  kFunction,     ///< In a function of torch.nn.functional, outside of any module.
  kBackward,     ///< In the autograd engine.
  kBuckets,      ///< Gradients are gathered for other ranks.
  kUpdate,       ///< In an optimizer's step, or what belongs to it: clipping and unscaling of gradients.
  kState,        ///< The optimizer's state is made or loaded.
  kZeroGrad,     ///< Gradients are dropped.
  kScratch,      ///< A library asks for a workspace.
};
inline constexpr size_t kRoles = 14;

class StackRoles {
 public:
  StackRoles(const trace::Trace& trace, const UserCode& user_code);

  Role role(trace::StackIdx stack) {
    const uint8_t known = roles_[stack.value()];
    return known != kUnread ? static_cast<Role>(known) : read_role(stack);
  }
  /// Whether the user's line of `stack` is in a function that also calls modules, of the stacks asked for so far.
  [[nodiscard]] bool calls_modules(trace::StackIdx stack) const;

 private:
  static constexpr uint8_t kUnread = UINT8_MAX;
  struct File {
    Origin origin = Origin::kNative;
    std::vector<const FrameRule*> rules;
  };

  Role read_role(trace::StackIdx stack);
  Role combine(std::span<const trace::FrameIdx> stack);
  FrameTag tag(trace::FrameIdx frame);
  FrameTag read_tag(const trace::Frame& frame);
  const File& file(trace::StringIdx filename);
  bool is_outermost_python(std::span<const trace::FrameIdx> rest);
  void note_caller(std::span<const trace::FrameIdx> outside);
  [[nodiscard]] uint64_t function_of(trace::FrameIdx frame) const;

  const trace::Trace& trace_;
  const UserCode& user_code_;
  std::vector<uint8_t> roles_;            // by stack; kUnread: not yet
  std::vector<uint8_t> tags_;             // by frame; kUnread: not yet
  std::vector<uint32_t> file_of_string_;  // by string: 1 + index into files_; 0: not yet
  std::vector<File> files_;
  tsl::robin_set<uint64_t> model_callers_;  // functions
};

}  // namespace unfrag::analyze
