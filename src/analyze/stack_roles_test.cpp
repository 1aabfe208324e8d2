#include "analyze/stack_roles.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/builder.h"

namespace unfrag::analyze {
namespace {

using Frames = std::vector<std::pair<std::string_view, std::string_view>>;  // function, file: innermost first

const std::pair<std::string_view, std::string_view> kCall = {"_call_impl", "T/nn/modules/module.py"};
const std::pair<std::string_view, std::string_view> kMain = {"<module>", "/home/user/train.py"};

class StackRole : public testing::Test {
 protected:
  trace::StackIdx stack(const Frames& frames) {
    std::vector<trace::FrameIdx> indices;
    indices.reserve(frames.size());
    for (const auto& [function, file] : frames) {
      std::string path(file);
      if (path.starts_with("T/")) path.replace(0, 1, "/usr/lib/python3/dist-packages/torch");
      indices.push_back(builder_.intern(trace::Frame{builder_.intern(function), builder_.intern(path), 7}));
    }
    return builder_.intern(indices);
  }
  Role role(const Frames& frames) {
    const trace::StackIdx idx = stack(frames);
    const UserCode user_code(builder_.trace);
    return StackRoles(builder_.trace, user_code).role(idx);
  }
  trace::Builder builder_;
};

TEST_F(StackRole, IsThatOfTheInnermostFrameThatTells) {
  EXPECT_EQ(role({{"forward", "/home/user/model.py"}, kCall, kMain}), Role::kForward);
  EXPECT_EQ(role({{"convert", "T/nn/modules/module.py"}, {"to", "T/nn/modules/module.py"}, kMain}), Role::kSetup);
  EXPECT_EQ(role({{"_make_grads", "T/autograd/__init__.py"}, {"backward", "T/_tensor.py"}, kMain}), Role::kBackward);
  EXPECT_EQ(role({{"_init_group", "T/optim/adam.py"}, {"wrapper", "T/optim/optimizer.py"}, kMain}), Role::kState);
  EXPECT_EQ(role({kMain}), Role::kUnclear);
  EXPECT_EQ(role({{"__init__", "/home/user/model.py"}, kMain}), Role::kConstructor);
  EXPECT_EQ(role({}), Role::kNoFrames);
}

TEST_F(StackRole, OfARecomputeInTheBackwardPassIsForward) {
  EXPECT_EQ(role({{"forward", "T/nn/modules/linear.py"},
                  kCall,
                  {"recompute_fn", "T/utils/checkpoint.py"},
                  {"_engine_run_backward", "T/autograd/graph.py"},
                  kMain}),
            Role::kForward);
}

TEST_F(StackRole, OfATransformOfTheDataIsData) {
  EXPECT_EQ(role({{"forward", "/usr/lib/python3/dist-packages/torchvision/transforms/v2.py"},
                  kCall,
                  {"fetch", "T/utils/data/_utils/fetch.py"},
                  kMain}),
            Role::kData);
}

TEST_F(StackRole, OfAClosureIsNotItsOptimizersStep) {
  const Frames inside = {
      {"closure", "/home/user/train.py"}, {"step", "T/optim/lbfgs.py"}, {"wrapper", "T/optim/optimizer.py"}, kMain};
  EXPECT_EQ(role(inside), Role::kUnclear);
  EXPECT_EQ(role({{"compute_loss", "/home/user/train.py"},
                  {"step", "T/optim/sgd.py"},
                  {"wrapper", "T/optim/optimizer.py"},
                  kMain}),
            Role::kUnclear);
  Frames with_call = inside;
  with_call.insert(with_call.begin(), kCall);
  EXPECT_EQ(role(with_call), Role::kForward);
}

TEST_F(StackRole, OfTheUsersOwnOptimizerIsAStep) {
  EXPECT_EQ(role({{"step", "/home/user/my_optimizer.py"}, {"wrapper", "T/optim/optimizer.py"}, kMain}), Role::kUpdate);
}

TEST_F(StackRole, OfACustomFunctionDependsOnWhoCallsIt) {
  EXPECT_EQ(role({{"backward", "/home/user/ops.py"}, {"apply", "T/autograd/function.py"}}), Role::kBackward);
  EXPECT_EQ(role({{"forward", "/home/user/ops.py"}, {"apply", "T/autograd/function.py"}, kCall, kMain}),
            Role::kForward);
  EXPECT_EQ(role({{"forward", "/home/user/ops.py"}, {"apply", "T/autograd/function.py"}, kMain}), Role::kUnclear);
}

TEST_F(StackRole, OfFunctionsIsThatOfWhoUsesThem) {
  EXPECT_EQ(role({{"cross_entropy", "T/nn/functional.py"}, kMain}), Role::kFunction);
  EXPECT_EQ(role({{"vector_norm", "T/functional.py"}, {"clip_grad_norm_", "T/nn/utils/clip_grad.py"}, kMain}),
            Role::kUpdate);
}

TEST_F(StackRole, TellsWhichFunctionCallsTheModel) {
  const auto forward = stack({kCall, {"train", "/home/user/train.py"}, kMain});
  const auto same = stack({{"train", "/home/user/train.py"}, kMain});
  const auto other = stack({kMain});
  const UserCode user_code(builder_.trace);
  StackRoles roles(builder_.trace, user_code);
  EXPECT_FALSE(roles.calls_modules(same)) << "not asked for yet";
  EXPECT_EQ(roles.role(forward), Role::kForward);
  EXPECT_TRUE(roles.calls_modules(same));
  EXPECT_FALSE(roles.calls_modules(other));
}

}  // namespace
}  // namespace unfrag::analyze
