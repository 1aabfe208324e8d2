#include "analyze/stack_roles.h"

namespace unfrag::analyze {

StackRoles::StackRoles(const trace::Trace& trace, const UserCode& user_code)
    : trace_(trace),
      user_code_(user_code),
      roles_(trace.stacks.size(), kUnread),
      tags_(trace.frames.size(), kUnread),
      file_of_string_(trace.strings.size()) {}

Role StackRoles::read_role(trace::StackIdx stack) {
  const Role role = combine(trace_.stacks[stack]);
  roles_[stack.value()] = static_cast<uint8_t>(role);
  return role;
}

// From the innermost frame outwards: what is decisive inside counts, as what was called last is what asked. Three do
// not decide at once: a module's call may turn out to be a transform of the data, a function of torch.nn.functional may
// serve an optimizer, and a step may have called the user's closure, which then is no part of the step.
Role StackRoles::combine(std::span<const trace::FrameIdx> stack) {
  if (stack.empty()) return Role::kNoFrames;
  bool python = false, user = false, init = false, function = false, step_is_over = false;
  size_t beyond_call = 0;  // the frame outside of the outermost module call seen
  for (size_t i = 0; i < stack.size(); ++i) {
    const FrameTag what = tag(stack[i]);
    if (what != FrameTag::kNative) python = true;
    if (what == FrameTag::kModuleCall) beyond_call = i + 1;
    if (what == FrameTag::kData) return Role::kData;
    if (beyond_call != 0) continue;
    switch (what) {
      case FrameTag::kScratch: return Role::kScratch;
      case FrameTag::kSetup: return Role::kSetup;
      case FrameTag::kEngine: return Role::kBackward;
      case FrameTag::kBuckets: return Role::kBuckets;
      case FrameTag::kZeroGrad: return Role::kZeroGrad;
      case FrameTag::kApply:
        if (is_outermost_python(stack.subspan(i + 1))) return Role::kBackward;
        break;
      case FrameTag::kState:
        if (!step_is_over) return Role::kState;
        break;
      case FrameTag::kTorchStep:
        if (!user && !step_is_over) return Role::kUpdate;
        step_is_over = true;
        break;
      case FrameTag::kStep:
        if (!step_is_over) return Role::kUpdate;
        break;
      case FrameTag::kClosure: step_is_over = true; break;
      case FrameTag::kFunction: function = true; break;
      case FrameTag::kInit: init = true; break;
      case FrameTag::kUser: user = true; break;
      default: break;
    }
  }
  if (beyond_call != 0) {
    note_caller(stack.subspan(beyond_call));
    return Role::kForward;
  }
  if (function) return Role::kFunction;
  if (!python) return Role::kNative;
  return init ? Role::kConstructor : Role::kUnclear;
}

bool StackRoles::is_outermost_python(std::span<const trace::FrameIdx> rest) {
  for (const trace::FrameIdx frame : rest) {
    if (tag(frame) != FrameTag::kNative) return tag(frame) == FrameTag::kEngine;
  }
  return true;
}

void StackRoles::note_caller(std::span<const trace::FrameIdx> outside) {
  for (const trace::FrameIdx frame : outside) {
    if (tag(frame) != FrameTag::kUser) continue;
    model_callers_.insert(function_of(frame));
    return;
  }
}

bool StackRoles::calls_modules(trace::StackIdx stack) const {
  const Culprit culprit = user_code_.culprit(stack);
  return culprit.origin == Origin::kUser && !culprit.frame.is_none() &&
         model_callers_.contains(function_of(culprit.frame));
}

uint64_t StackRoles::function_of(trace::FrameIdx index) const {
  const trace::Frame& frame = trace_.frames[index];
  return uint64_t{frame.filename.value()} << 32 | frame.name.value();
}

FrameTag StackRoles::tag(trace::FrameIdx frame) {
  uint8_t& known = tags_[frame.value()];
  if (known == kUnread) known = static_cast<uint8_t>(read_tag(trace_.frames[frame]));
  return static_cast<FrameTag>(known);
}

FrameTag StackRoles::read_tag(const trace::Frame& frame) {
  const File& where = file(frame.filename);
  const std::string_view name = trace_.strings[frame.name];
  if (where.origin == Origin::kNative) return native_tag(name);
  if (const FrameTag known = python_tag(where.rules, name); known != FrameTag::kNeutral) return known;
  if (where.origin != Origin::kUser && where.origin != Origin::kPackage) return FrameTag::kNeutral;
  if (name.find("closure") != std::string_view::npos) return FrameTag::kClosure;
  if (name == "__init__") return FrameTag::kInit;
  return where.origin == Origin::kUser ? FrameTag::kUser : FrameTag::kNeutral;
}

const StackRoles::File& StackRoles::file(trace::StringIdx filename) {
  uint32_t& known = file_of_string_[filename.value()];
  if (known == 0) {
    const std::string_view name = trace_.strings[filename];
    files_.push_back({.origin = origin_of(name), .rules = rules_for(name)});
    known = static_cast<uint32_t>(files_.size());
  }
  return files_[known - 1];
}

}  // namespace unfrag::analyze
