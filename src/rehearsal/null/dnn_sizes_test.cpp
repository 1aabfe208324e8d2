#include <gtest/gtest.h>

#include "rehearsal/null/dnn_attention.h"
#include "rehearsal/null/dnn_ctc.h"
#include "rehearsal/null/dnn_dropout.h"
#include "rehearsal/null/dnn_norm.h"
#include "rehearsal/null/dnn_tensor.h"

namespace unfrag::null {
namespace {

TEST(DnnTensor, HasTheBytesOfItsTypesElements) {
  EXPECT_EQ((DnnTensor{.type = kDnnHalf, .dims = {2, 3, 4}}.bytes()), 48U);
  EXPECT_EQ((DnnTensor{.type = kDnnFloat, .dims = {2, 3, 4}}.bytes()), 96U);
  EXPECT_EQ((DnnTensor{.type = kDnnBfloat16, .dims = {5}}.bytes()), 10U);
  EXPECT_EQ((DnnTensor{.type = 11, .dims = {9}}.bytes()), 2U);  // Booleans are bits.
  EXPECT_EQ((DnnTensor{.type = 99, .dims = {9}}.bytes()), 0U);
  EXPECT_EQ(DnnTensor{}.bytes(), 0U);
  EXPECT_EQ((DnnTensor{.dims = {2, -1}}.bytes()), 0U);
}

TEST(DnnTensor, HasChannelsLastWhereTheyAreNeighbours) {
  EXPECT_TRUE((DnnTensor{.dims = {2, 3, 4, 4}, .strides = {48, 1, 12, 3}}.is_channels_last()));
  EXPECT_FALSE((DnnTensor{.dims = {2, 3, 4, 4}, .strides = {48, 16, 4, 1}}.is_channels_last()));
  EXPECT_FALSE((DnnTensor{.dims = {2, 3}, .strides = {3, 1}}.is_channels_last()));
}

TEST(BatchNorm, WorksWithSumsOfEveryMultiprocessorWhereChannelsAreLast) {
  const DnnTensor x = {.dims = {8, 32, 16, 16}};
  EXPECT_EQ(norm_workspace({.persistent = true, .x = x}), 32U * 108 * 2 * 4);
  EXPECT_EQ(norm_workspace({.persistent = false, .x = x}), 0U);
}

TEST(BatchNorm, KeepsABitForEveryValueOfAnActivation) {
  const DnnTensor x = {.type = kDnnHalf, .dims = {8, 32, 16, 16}};
  EXPECT_EQ(norm_reserve({.persistent = true, .activated = true, .x = x}), 8U * 32 * 16 * 16 / 8);
  EXPECT_EQ(norm_reserve({.persistent = true, .x = x}), 0U);
}

TEST(CtcLoss, WorksWithProbabilitiesAndStatesOfTheLabel) {
  const CtcLoss loss = {.steps = 50, .batch = 4, .symbols = 20, .longest_label = 10, .gradient = true};
  EXPECT_EQ(ctc_workspace(loss), 50U * 4 * (20 + 2 * 21) * 4);
  EXPECT_EQ(ctc_workspace({}), 0U);
}

TEST(Dropout, KeepsAGeneratorForEveryThread) {
  EXPECT_EQ(dropout_states({.multiprocessors = 80, .threads_per_multiprocessor = 2048}), 3'932'160U);
}

TEST(Attention, NeedsNothingForward) {
  EXPECT_EQ(attention_workspace({.backward = false, .rows = 1024, .width = 64}), 0U);
  EXPECT_EQ(attention_workspace({.backward = true, .rows = 1024, .width = 64}), 1024U * 65 * 4);
}

}  // namespace
}  // namespace unfrag::null
