#include "rehearsal/null/dnn_rnn.h"

#include <gtest/gtest.h>

#include <map>

namespace unfrag::null {
namespace {

/// Every parameter, by where it begins, to where it ends.
std::map<uint64_t, uint64_t> places(const Rnn& rnn) {
  std::map<uint64_t, uint64_t> all;
  for (uint64_t layer = 0; layer < rnn.layers * rnn.directions(); ++layer) {
    for (uint64_t number = 0; number < 9; ++number) {
      for (const auto& parameter : {rnn_matrix(rnn, layer, number), rnn_bias(rnn, layer, number)}) {
        if (!parameter) continue;
        const uint64_t end = parameter->offset + parameter->rows * parameter->columns * rnn.element();
        EXPECT_TRUE(all.emplace(parameter->offset, end).second);
      }
    }
  }
  return all;
}

void expect_a_partition(const Rnn& rnn) {
  uint64_t end = 0;
  for (const auto& [from, to] : places(rnn)) {
    EXPECT_EQ(from, end);
    end = to;
  }
  EXPECT_EQ(end, rnn_weights(rnn));
}

TEST(RnnWeights, AreAllParametersWithoutAGapOrAnOverlap) {
  for (const auto cell : {Rnn::Cell::kRelu, Rnn::Cell::kTanh, Rnn::Cell::kLstm, Rnn::Cell::kGru}) {
    for (const auto bias : {Rnn::Bias::kNone, Rnn::Bias::kInput, Rnn::Bias::kBoth, Rnn::Bias::kRecurrent}) {
      for (const bool both : {false, true}) {
        expect_a_partition({.cell = cell,
                            .bias = bias,
                            .both_directions = both,
                            .type = kDnnHalf,
                            .input = 12,
                            .hidden = 16,
                            .projected = 16,
                            .layers = 3});
      }
    }
  }
}

TEST(RnnWeights, HaveAProjectionOnlyInAnLstm) {
  Rnn rnn = {.input = 12, .hidden = 16, .projected = 5, .layers = 2};
  expect_a_partition(rnn);
  const auto projection = rnn_matrix(rnn, 1, 8);
  ASSERT_TRUE(projection);
  EXPECT_EQ(projection->rows, 5U);
  EXPECT_EQ(projection->columns, 16U);
  EXPECT_EQ(rnn_matrix(rnn, 1, 0)->columns, 5U);
  rnn.projected = 16;
  EXPECT_FALSE(rnn_matrix(rnn, 1, 8));
  EXPECT_FALSE(rnn_bias(rnn, 1, 8));
}

TEST(RnnWeights, AreThoseOfPyTorchsModule) {
  // torch.nn.LSTM(12, 16, num_layers=2, bidirectional=True)
  const Rnn rnn = {.both_directions = true, .input = 12, .hidden = 16, .projected = 16, .layers = 2};
  const uint64_t first = 64 * 12 + 64 * 16 + 64 + 64;
  const uint64_t second = 64 * 32 + 64 * 16 + 64 + 64;
  EXPECT_EQ(rnn_weights(rnn), 2 * (first + second) * 4);
}

TEST(RnnWeights, LackTheFirstInputMatricesWhereTheInputIsSkipped) {
  const Rnn rnn = {.skips_input = true, .input = 16, .hidden = 16, .projected = 16, .layers = 2};
  EXPECT_FALSE(rnn_matrix(rnn, 0, 0));
  EXPECT_TRUE(rnn_matrix(rnn, 1, 0));
  expect_a_partition(rnn);
}

TEST(RnnWeights, KeepAGatesNeighboursOfOneKindTogether) {
  const Rnn rnn = {.cell = Rnn::Cell::kGru, .input = 12, .hidden = 16, .projected = 16, .layers = 1};
  EXPECT_EQ(rnn_matrix(rnn, 0, 1)->offset, 16U * 12 * 4);
  EXPECT_EQ(rnn_matrix(rnn, 0, 3)->offset, 3U * 16 * 12 * 4);
  EXPECT_FALSE(rnn_matrix(rnn, 0, 6));
  EXPECT_FALSE(rnn_matrix(rnn, 1, 0));
}

TEST(RnnSpace, GrowsWithStepsAndIsMoreInTraining) {
  const Rnn rnn = {.input = 12, .hidden = 16, .projected = 16, .layers = 2};
  const RnnBatch batch = {.steps = 10, .sequences = 4};
  EXPECT_EQ(rnn_workspace(rnn, batch, false), 10U * 4 * 4 * 16 * 4);
  EXPECT_EQ(rnn_workspace(rnn, batch, true), 10U * 4 * (2 * 4 + 2) * 16 * 4);
  EXPECT_EQ(rnn_reserve(rnn, batch), 2U * 10 * 4 * (4 + 1 + 1) * 16 * 4);
  EXPECT_EQ(rnn_reserve(rnn, {}), 0U);
}

}  // namespace
}  // namespace unfrag::null
