#include "analyze/frame_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace unfrag::analyze {
namespace {

constexpr std::string_view kPackages = "/home/user/.venv/lib/python3.11/site-packages/";

FrameTag tag(const std::string& file, std::string_view function) { return python_tag(rules_for(file), function); }
FrameTag packaged(std::string_view file, std::string_view function) {
  return tag(std::string(kPackages) + std::string(file), function);
}

TEST(FrameRules, KnowsModulesBeingCalledAndBeingMoved) {
  EXPECT_EQ(packaged("torch/nn/modules/module.py", "_call_impl"), FrameTag::kModuleCall);
  EXPECT_EQ(packaged("torch/nn/modules/module.py", "_apply"), FrameTag::kSetup);
  EXPECT_EQ(packaged("torch/nn/modules/linear.py", "__init__"), FrameTag::kSetup);
  EXPECT_EQ(packaged("torch/nn/modules/linear.py", "forward"), FrameTag::kNeutral);
  EXPECT_EQ(packaged("torch/nn/init.py", "kaiming_uniform_"), FrameTag::kSetup);
}

TEST(FrameRules, TellsStateFromStepAndSchedulerFromBoth) {
  EXPECT_EQ(packaged("torch/optim/adam.py", "_init_group"), FrameTag::kState);
  EXPECT_EQ(packaged("torch/optim/adam.py", "_multi_tensor_adam"), FrameTag::kTorchStep);
  EXPECT_EQ(packaged("torch/optim/optimizer.py", "wrapper"), FrameTag::kStep);
  EXPECT_EQ(packaged("torch/optim/optimizer.py", "zero_grad"), FrameTag::kZeroGrad);
  EXPECT_EQ(packaged("torch/optim/lr_scheduler.py", "wrapper"), FrameTag::kNeutral);
  EXPECT_EQ(packaged("fastai/optimizer.py", "adam_step"), FrameTag::kStep);
}

TEST(FrameRules, ReadsWindowsPathsAndCheckouts) {
  EXPECT_EQ(tag("C:\\Python311\\Lib\\site-packages\\torch\\optim\\sgd.py", "step"), FrameTag::kTorchStep);
  EXPECT_EQ(tag("/src/pytorch/torch/autograd/graph.py", "_engine_run_backward"), FrameTag::kEngine);
  EXPECT_EQ(tag("/git/fastai/fastai/torch_core.py", "to_device"), FrameTag::kData);
}

TEST(FrameRules, DoesNotTakeTheUsersFoldersForPackages) {
  EXPECT_EQ(tag("/home/user/project/datasets/load.py", "f"), FrameTag::kNeutral);
  EXPECT_EQ(tag("/home/user/project/torch/optim/adam.py", "step"), FrameTag::kNeutral);
  EXPECT_EQ(tag("optimizer.py", "step"), FrameTag::kNeutral);
}

TEST(FrameRules, ReadsNativeFunctionsByTheirNameNotTheirArguments) {
  EXPECT_EQ(native_tag("torch::autograd::Engine::thread_main(std::shared_ptr<GraphTask> const&)"), FrameTag::kEngine);
  EXPECT_EQ(native_tag("at::cuda::getNewWorkspace()"), FrameTag::kScratch);
  EXPECT_EQ(native_tag("at::native::f(cudnnWorkspace*)"), FrameTag::kNative);
  EXPECT_EQ(native_tag("at::cuda::cub::detail::radix_sort_pairs_impl<long, 8>(long const*)"), FrameTag::kScratch);
}

}  // namespace
}  // namespace unfrag::analyze
