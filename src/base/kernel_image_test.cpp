#include "base/kernel_image.h"

#include <gtest/gtest.h>

#include <vector>

namespace unfrag {
namespace {

// What the wheel of PyTorch 2.11.0 for CUDA 13.0 brings, some kernels of it also as sm_90a.
const std::vector<KernelImage> kWheel = {{.architecture = 75}, {.architecture = 80},  {.architecture = 86},
                                         {.architecture = 90}, {.architecture = 100}, {.architecture = 120}};

TEST(KernelImage, OfTheSameMajorVersionAndTheClosestMinorOneIsRun) {
  EXPECT_EQ(code_for(kWheel, 80), (KernelCode{.ptx_version = 80, .binary_version = 80}));
  EXPECT_EQ(code_for(kWheel, 89), (KernelCode{.ptx_version = 86, .binary_version = 86}));
  EXPECT_EQ(code_for(kWheel, 121), (KernelCode{.ptx_version = 120, .binary_version = 120}));
}

TEST(KernelImage, OfAnotherMajorVersionIsNotRun) {
  EXPECT_EQ(code_for(kWheel, 61), std::nullopt);
  EXPECT_EQ(code_for(kWheel, 70), std::nullopt);
  EXPECT_EQ(code_for(kWheel, 110), std::nullopt);
  EXPECT_EQ(code_for({}, 80), std::nullopt);
}

TEST(KernelImage, AsPtxIsCompiledForLaterDevicesWhereNoBinaryFits) {
  const std::vector<KernelImage> images = {
      {.architecture = 70, .ptx = true}, {.architecture = 80}, {.architecture = 90, .ptx = true}};
  EXPECT_EQ(code_for(images, 75), (KernelCode{.ptx_version = 70, .binary_version = 75}));
  EXPECT_EQ(code_for(images, 86), (KernelCode{.ptx_version = 80, .binary_version = 80}));
  EXPECT_EQ(code_for(images, 120), (KernelCode{.ptx_version = 90, .binary_version = 120}));
  EXPECT_EQ(code_for(images, 61), std::nullopt);
}

TEST(KernelImage, ForOneArchitectureAloneIsNotRunOnALaterOne) {
  const std::vector<KernelImage> images = {{.architecture = 100, .exactly = true}};
  EXPECT_EQ(code_for(images, 100), (KernelCode{.ptx_version = 100, .binary_version = 100}));
  EXPECT_EQ(code_for(images, 103), std::nullopt);
}

}  // namespace
}  // namespace unfrag
