#include "rehearsal/null/dnn_convolution.h"

#include <gtest/gtest.h>

namespace unfrag::null {
namespace {

using Direction = Convolution::Direction;

constexpr DnnChip kA100 = {.compute_major = 8, .multiprocessors = 108};
constexpr DnnChip kT4 = {.compute_major = 7, .multiprocessors = 40, .threads_per_multiprocessor = 1024};

DnnTensor tensor(std::vector<int64_t> dims, int type, bool channels_last) {
  const int64_t area = dims[2] * dims[3];
  std::vector<int64_t> strides = channels_last ? std::vector<int64_t>{dims[1] * area, 1, dims[3] * dims[1], dims[1]}
                                               : std::vector<int64_t>{dims[1] * area, area, dims[3], 1};
  return {.type = type, .dims = std::move(dims), .strides = std::move(strides)};
}

/// 64 filters of 3 by 3 over 32 images of 64 channels, 56 by 56.
Convolution example(Direction direction, int type, bool channels_last, const DnnChip& chip) {
  return {.direction = direction,
          .x = tensor({32, 64, 56, 56}, type, channels_last),
          .w = tensor({64, 64, 3, 3}, type, channels_last),
          .y = tensor({32, 64, 56, 56}, type, channels_last),
          .stride = {1, 1},
          .dilation = {1, 1},
          .chip = chip};
}

void expect_about(uint64_t bytes, uint64_t real) {
  EXPECT_GE(bytes, real - real / 10);
  EXPECT_LE(bytes, real + real / 10);
}

// The numbers are cuDNN 9.28's for the devices.
TEST(ConvolutionWorkspace, IsAboutWhatAnAmpereDeviceIsGivenInSinglePrecision) {
  expect_about(convolution_workspace(example(Direction::kForward, kDnnFloat, false, kA100)), 25'837'584);
  expect_about(convolution_workspace(example(Direction::kBackwardData, kDnnFloat, false, kA100)), 51'527'696);
  expect_about(convolution_workspace(example(Direction::kBackwardFilter, kDnnFloat, false, kA100)), 52'855'319);
}

TEST(ConvolutionWorkspace, IsAboutWhatAnAmpereDeviceIsGivenInHalfPrecision) {
  expect_about(convolution_workspace(example(Direction::kForward, kDnnHalf, false, kA100)), 25'763'856);
  expect_about(convolution_workspace(example(Direction::kBackwardData, kDnnHalf, false, kA100)), 25'763'856);
  expect_about(convolution_workspace(example(Direction::kBackwardFilter, kDnnHalf, false, kA100)), 27'828'939);
}

TEST(ConvolutionWorkspace, IsNoneInHalfPrecisionWithChannelsLast) {
  for (const auto direction : {Direction::kForward, Direction::kBackwardData, Direction::kBackwardFilter}) {
    EXPECT_EQ(convolution_workspace(example(direction, kDnnHalf, true, kA100)), 0U);
  }
}

TEST(ConvolutionWorkspace, HoldsWhatIsReadInSinglePrecisionWithChannelsLastBeforeHopper) {
  expect_about(convolution_workspace(example(Direction::kForward, kDnnFloat, true, kA100)), 25'837'584);
  expect_about(convolution_workspace(example(Direction::kBackwardData, kDnnFloat, true, kA100)), 25'837'584);
  expect_about(convolution_workspace(example(Direction::kBackwardFilter, kDnnFloat, true, kA100)), 52'707'863);
  EXPECT_EQ(convolution_workspace(example(Direction::kForward, kDnnFloat, true, {.compute_major = 9})), 0U);
}

TEST(ConvolutionWorkspace, IsNoneWithoutTensorCores) {
  EXPECT_EQ(convolution_workspace(example(Direction::kForward, kDnnFloat, false, kT4)), 0U);
  EXPECT_EQ(convolution_workspace(example(Direction::kForward, kDnnBfloat16, false, kT4)), 0U);
  EXPECT_GT(convolution_workspace(example(Direction::kForward, kDnnHalf, false, kT4)), 0U);
}

TEST(ConvolutionWorkspace, OfALineOrAVolumeIsFound) {
  Convolution line = example(Direction::kForward, kDnnFloat, false, kA100);
  line.x = {.dims = {4, 16, 100}, .strides = {1600, 100, 1}};
  line.w = {.dims = {32, 16, 3}, .strides = {48, 3, 1}};
  line.y = {.dims = {4, 32, 98}, .strides = {3136, 98, 1}};
  EXPECT_EQ(convolution_workspace(line), line.x.bytes() + line.w.bytes());
  EXPECT_EQ(largest_convolution_workspace(line), line.x.bytes() + line.w.bytes() + line.y.bytes());
}

TEST(ConvolutionWorkspace, OfNothingIsNone) { EXPECT_EQ(largest_convolution_workspace({}), 0U); }

TEST(LargestConvolutionWorkspace, IsASpectrumOfTheFilters) {
  Convolution deep = example(Direction::kForward, kDnnFloat, false, kA100);
  deep.x = tensor({16, 512, 2, 2}, kDnnFloat, false);
  deep.w = tensor({512, 512, 3, 3}, kDnnFloat, false);
  deep.y = tensor({16, 512, 2, 2}, kDnnFloat, false);
  EXPECT_GT(largest_convolution_workspace(deep), uint64_t{1} << 30);
  EXPECT_LT(largest_convolution_workspace(deep), uint64_t{3} << 29);
}

TEST(LargestConvolutionWorkspace, IsCopiesOfAllWhereThereIsNoTransform) {
  const Convolution half = example(Direction::kForward, kDnnHalf, false, kA100);
  EXPECT_EQ(largest_convolution_workspace(half), 2 * convolution_workspace(half));
  Convolution strided = example(Direction::kForward, kDnnFloat, false, kA100);
  strided.stride = {2, 2};
  EXPECT_EQ(largest_convolution_workspace(strided), strided.x.bytes() + strided.y.bytes() + strided.w.bytes());
}

}  // namespace
}  // namespace unfrag::null
