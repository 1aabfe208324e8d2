#include "analyze/user_code.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/builder.h"

namespace unfrag::analyze {
namespace {

struct Case {
  std::string_view filename;
  Origin origin;
};

void expect_origins(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(origin_of(c.filename), c.origin) << c.filename;
}

TEST(UserCode, KnowsPathsOfLinux) {
  expect_origins({
      {"/home/user/train.py", Origin::kUser},
      {"train.py", Origin::kUser},
      {"/opt/app/libs/model.py", Origin::kUser},
      {"/home/user/.venv/lib/python3.11/site-packages/torch/nn/modules/linear.py", Origin::kPyTorch},
      {"/usr/local/lib/python3.10/dist-packages/torch/_tensor.py", Origin::kPyTorch},
      {"/home/user/.venv/lib/python3.11/site-packages/transformers/models/gpt2.py", Origin::kPackage},
      {"/home/user/.venv/lib/python3.11/site-packages/torchvision/models/resnet.py", Origin::kPackage},
      {"/home/user/.venv/lib/python3.11/site-packages/torchgen/api.py", Origin::kPyTorch},
      {"/usr/lib/python3.11/threading.py", Origin::kStandard},
      {"/usr/lib64/python3.9/contextlib.py", Origin::kStandard},
      {"/home/user/.pyenv/versions/3.11.4/lib/python3.11/runpy.py", Origin::kStandard},
      {"/home/user/.local/share/uv/python/cpython-3.12.1-linux-x86_64-gnu/lib/python3.12/abc.py", Origin::kStandard},
  });
}

TEST(UserCode, KnowsPathsOfWindows) {
  expect_origins({
      {"C:\\Users\\me\\Train.py", Origin::kUser},
      {"D:\\work\\model.PY", Origin::kUser},
      {"C:\\Python311\\Lib\\site-packages\\torch\\nn\\modules\\linear.py", Origin::kPyTorch},
      {"C:\\Python311\\Lib\\site-packages\\fastai\\learner.py", Origin::kPackage},
      {"C:\\Python311\\Lib\\contextlib.py", Origin::kStandard},
      {"C:\\cpython-3.10.19-windows-x86_64-none\\lib\\contextlib.py", Origin::kStandard},
  });
}

TEST(UserCode, KnowsPathsOfConda) {
  expect_origins({
      {"/home/user/miniconda3/lib/python3.11/abc.py", Origin::kStandard},
      {"/home/user/miniconda3/envs/ml/lib/python3.11/threading.py", Origin::kStandard},
      {"C:\\Users\\me\\miniconda3\\Lib\\threading.py", Origin::kStandard},
      {"/opt/conda/lib/python3.10/site-packages/torch/optim/adam.py", Origin::kPyTorch},
      {"/opt/conda/lib/python3.10/site-packages/accelerate/accelerator.py", Origin::kPackage},
  });
}

TEST(UserCode, TakesNotebookCellsForTheUsersOwn) {
  expect_origins({
      {"<ipython-input-3-0123456789ab>", Origin::kUser},
      {"<stdin>", Origin::kUser},
      {"<string>", Origin::kUser},
      {"<command-1234567890>", Origin::kUser},
      {"/tmp/ipykernel_4242/1234567890.py", Origin::kUser},
      {"C:\\Users\\me\\AppData\\Local\\Temp\\ipykernel_4242\\1234567890.py", Origin::kUser},
      {"/Workspace/Users/me@example.com/notebook.ipynb", Origin::kUser},

  });
}

TEST(UserCode, KnowsCodeThatIsMadeByMachinery) {
  expect_origins({
      {"<frozen runpy>", Origin::kStandard},
      {"<frozen importlib._bootstrap>", Origin::kStandard},
      {"<attrs generated init model.Config>", Origin::kStandard},
      {"<__array_function__ internals>", Origin::kStandard},
      {"<eval_with_key>.5", Origin::kPyTorch},
      {"<torch_package_0>.model.py", Origin::kPyTorch},
  });
}

TEST(UserCode, KnowsACheckoutOfPyTorch) {
  expect_origins({
      {"/home/user/pytorch/torch/nn/modules/linear.py", Origin::kPyTorch},
      {"/home/user/pytorch/torch/autograd/__init__.py", Origin::kPyTorch},
      {"/home/user/pytorch/torch/_tensor.py", Origin::kPyTorch},
      {"D:\\src\\pytorch\\torch\\optim\\adam.py", Origin::kPyTorch},
      {"/home/user/torch/train.py", Origin::kUser},
  });
}

TEST(UserCode, TakesAllThatIsNotPythonForNative) {
  expect_origins({
      {"", Origin::kNative},
      {"??", Origin::kNative},
      {"CUDACachingAllocator.cpp", Origin::kNative},
      {"/usr/src/python3/Python/ceval.c", Origin::kNative},
      {"/opt/conda/lib/python3.10/site-packages/torch/lib/libtorch_cuda.so", Origin::kNative},
      {":0", Origin::kNative},
  });
}

// --- The line of a stack ---

using Frames = std::vector<std::pair<std::string_view, std::string_view>>;  // (filename, function), innermost first

/// The function of the line to blame.
class UserCodeOfStacks : public testing::Test {
 protected:
  std::string culprit_of(const Frames& frames, Origin origin) {
    std::vector<trace::FrameIdx> stack;
    for (const auto& [filename, function] : frames) {
      stack.push_back(builder_.intern(
          trace::Frame{.name = builder_.intern(function), .filename = builder_.intern(filename), .line = line_++}));
    }
    const trace::StackIdx idx = builder_.intern(stack);
    const Culprit culprit = UserCode(builder_.trace).culprit(idx);
    EXPECT_EQ(culprit.origin, origin);
    if (culprit.frame.is_none()) return "none";
    return std::string(builder_.trace.strings[builder_.trace.frames[culprit.frame].name]);
  }

 private:
  trace::Builder builder_;
  uint32_t line_ = 1;
};

constexpr std::string_view kTorch = "/v/lib/python3.11/site-packages/torch/nn/modules/linear.py";
constexpr std::string_view kPackage = "/v/lib/python3.11/site-packages/fastai/learner.py";
constexpr std::string_view kStandard = "/usr/lib/python3.11/contextlib.py";

TEST_F(UserCodeOfStacks, BlamesTheInnermostLineOfTheUser) {
  EXPECT_EQ(culprit_of({{"??", "at::empty"},
                        {kTorch, "forward"},
                        {"/home/me/model.py", "inner"},
                        {kTorch, "call"},
                        {"/home/me/train.py", "outer"}},
                       Origin::kUser),
            "inner");
}

TEST_F(UserCodeOfStacks, BlamesWhatIsClosestToTheUserWhereTheUserIsNotInTheStack) {
  EXPECT_EQ(culprit_of({{kTorch, "t"}, {kPackage, "p"}, {kPackage, "q"}, {kStandard, "s"}}, Origin::kPackage), "p");
  EXPECT_EQ(culprit_of({{kStandard, "s"}, {kTorch, "t"}}, Origin::kPyTorch), "t");
  EXPECT_EQ(culprit_of({{"??", "n"}, {kStandard, "s"}}, Origin::kStandard), "s");
}

TEST_F(UserCodeOfStacks, BlamesNobodyForAnEmptyStack) { EXPECT_EQ(culprit_of({}, Origin::kNative), "none"); }

TEST_F(UserCodeOfStacks, PrefersNativeFramesThatSayMost) {
  EXPECT_EQ(culprit_of({{"??", "torch::unwind::unwind()"},
                        {"", "c10::cuda::CUDACachingAllocator::malloc"},
                        {"??", "at::detail::empty_cuda"},
                        {"??", "at::native::relu"},
                        {"??", "torch::autograd::generated::ReluBackward0::apply"},
                        {"??", "__clone"}},
                       Origin::kNative),
            "torch::autograd::generated::ReluBackward0::apply");
  EXPECT_EQ(culprit_of({{"??", "at::detail::empty_cuda"}, {"??", "run"}, {"??", "at::native::relu"}}, Origin::kNative),
            "at::native::relu");
  EXPECT_EQ(culprit_of({{"??", "torch::unwind::unwind()"}, {"??", "run"}}, Origin::kNative), "run");
}

TEST(UserCode, FoldersThatOnlySoundLikePythonAreTheUsers) {
  EXPECT_EQ(origin_of("/home/me/python-project/lib/train.py"), Origin::kUser);
  EXPECT_EQ(origin_of("/home/me/miniconda-tests/lib/m.py"), Origin::kUser);
  EXPECT_EQ(origin_of("/home/me/proj/torch/utils/data.py"), Origin::kUser);
}

TEST(UserCode, BuildsOfPyTorchAndWhatItCompilesAreNot) {
  EXPECT_EQ(origin_of("/opt/pytorch/torch/distributed/fsdp/api.py"), Origin::kPyTorch);
  EXPECT_EQ(origin_of("/opt/pytorch/torch/_ops.py"), Origin::kPyTorch);
  EXPECT_EQ(origin_of("/tmp/torchinductor_me/ab/cabxyz.py"), Origin::kPyTorch);
}

}  // namespace
}  // namespace unfrag::analyze
