#include "analyze/optimizer_code.h"

#include <string_view>

#include "analyze/user_code.h"

namespace unfrag::analyze {
namespace {

enum class Role : uint8_t {
  kPlain,
  kStep,
  kZeroGrad,
  kProgram,  ///< The program's own work: what lies inside it is not the optimizer's, even if a step runs it.
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// torch/optim/*, fastai/optimizer.py, bitsandbytes/optim/, apex/optimizers/, timm/optim/, transformers/optimization.py.
// An optimizer of the user's own is called by torch/optim/optimizer.py, too.
bool is_optimizer_file(std::string_view filename) {
  return (contains(filename, "optim") || contains(filename, "deepspeed")) && origin_of(filename) != Origin::kUser;
}

// Source: torch/optim/optimizer.py, profile_hook_step (its `wrapper`) and _use_grad_for_differentiable (`_use_grad`).
Role role_of(std::string_view function, std::string_view filename) {
  if (function == "zero_grad") return Role::kZeroGrad;
  if (function == "step" || function == "wrapper" || function == "_use_grad") {
    return is_optimizer_file(filename) ? Role::kStep : Role::kPlain;
  }
  if (contains(function, "closure") || function == "_call_impl" || function == "backward") return Role::kProgram;
  return Role::kPlain;
}

}  // namespace

OptimizerCode::OptimizerCode(const trace::Trace& trace) {
  std::vector<Role> roles(trace.frames.size());
  for (uint32_t i = 0; i < roles.size(); ++i) {
    const trace::Frame& frame = trace.frames[trace::FrameIdx(i)];
    roles[i] = role_of(trace.strings[frame.name], trace.strings[frame.filename]);
  }
  parts_.resize(trace.stacks.size(), kNone);
  for (uint32_t i = 0; i < parts_.size(); ++i) {
    for (const trace::FrameIdx frame : trace.stacks[trace::StackIdx(i)]) {
      const Role role = roles[frame.value()];
      if (role == Role::kPlain) continue;
      if (role == Role::kStep) parts_[i] = kStep;
      if (role == Role::kZeroGrad) parts_[i] = kZeroGrad;
      break;
    }
    has_[parts_[i]] = true;
  }
}

}  // namespace unfrag::analyze
