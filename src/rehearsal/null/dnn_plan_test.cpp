#include "rehearsal/null/dnn_plan.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace unfrag::null {
namespace {

constexpr DnnChip kChip = {};
constexpr int kInstant = 0;
constexpr int kFallback = 2;

using Object = std::shared_ptr<BackendObject>;

Object make(int type) { return std::make_shared<BackendObject>(type); }

BackendValue numbers(const std::vector<int64_t>& values) {
  return *read_value(kBackendInt64, static_cast<int64_t>(values.size()), values.data());
}

Object tensor(const std::vector<int64_t>& dims, int32_t type = kDnnFloat) {
  const Object made = make(kBackendTensor);
  std::vector<int64_t> strides(dims.size(), 1);
  for (size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
  made->set(kTensorType, int32_value(type));
  made->set(kTensorDims, numbers(dims));
  made->set(kTensorStrides, numbers(strides));
  return made;
}

Object graph_of(std::vector<BackendPart> operations) {
  const Object graph = make(kBackendGraph);
  graph->set(kGraphOperations, parts_value(std::move(operations)));
  return graph;
}

Object convolution() {
  const Object how = make(1);
  how->set(102, numbers({1, 1}));
  how->set(103, numbers({1, 1}));
  const Object operation = make(kBackendConvolutionForward);
  operation->set(702, parts_value({how}));
  operation->set(703, parts_value({tensor({64, 64, 3, 3})}));
  operation->set(704, parts_value({tensor({32, 64, 56, 56})}));
  operation->set(705, parts_value({tensor({32, 64, 56, 56})}));
  return operation;
}

Object matmul(const std::vector<int64_t>& left) {
  const Object operation = make(kBackendMatmul);
  operation->set(1520, parts_value({tensor(left, kDnnHalf)}));
  return operation;
}

std::vector<BackendPart> configurations(const Object& graph, int32_t mode) {
  BackendObject heuristics(kBackendHeuristics);
  heuristics.set(kHeuristicsGraph, parts_value({graph}));
  heuristics.set(kHeuristicsMode, int32_value(mode));
  return answer_of(heuristics, kHeuristicsResults, kChip)->parts;
}

int64_t workspace(const BackendPart& configuration) {
  auto plan = std::make_shared<BackendObject>(kBackendPlan);
  plan->set(kPlanConfiguration, parts_value({configuration}));
  BackendObject reader(kBackendPlan);
  reader.set(1, *answer_of(*plan, kPlanWorkspace, kChip));
  return reader.integer(1).value();
}

TEST(Heuristics, ProposeTheUsualPlanFirstAndTheLargestNext) {
  const auto found = configurations(graph_of({convolution()}), kInstant);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(workspace(found[0]), 25'690'112 + 147'456);
  EXPECT_GT(workspace(found[1]), workspace(found[0]));
}

TEST(Heuristics, HaveALastResortThatNeedsNothing) {
  const auto found = configurations(graph_of({convolution()}), kFallback);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(workspace(found[0]), 0);
}

TEST(Heuristics, FindAConvolutionAmongWhatIsFusedWithIt) {
  const auto found = configurations(graph_of({convolution(), make(13), make(13)}), kInstant);
  EXPECT_GT(workspace(found[0]), 0);
}

TEST(Heuristics, HaveNoAnswerWithoutAGraph) {
  EXPECT_FALSE(answer_of(BackendObject(kBackendHeuristics), kHeuristicsResults, kChip));
}

TEST(Plan, OfAttentionNeedsSumsOfTheQueriesGradientBackwardOnly) {
  const std::vector<int64_t> queries = {2, 4, 128, 64};
  const auto product = [&] { return matmul(queries); };
  EXPECT_EQ(workspace(configurations(graph_of({product(), product()}), kInstant)[0]), 0);
  const auto backward = graph_of({product(), product(), product(), product(), product()});
  EXPECT_EQ(workspace(configurations(backward, kInstant)[0]), 2 * 4 * 128 * (64 + 1) * 4);
}

TEST(Plan, OfSomethingElseNeedsNothing) { EXPECT_EQ(workspace(configurations(graph_of({make(13)}), kInstant)[0]), 0); }

TEST(Engine, HasANumberAndNothingToSay) {
  const auto found = configurations(graph_of({convolution()}), kInstant);
  const BackendPart engine = found[1]->part(kConfigurationEngine);
  EXPECT_EQ(engine->integer(kEngineIndex), 1001);
  for (const int name : {kEngineKnobs, kEngineNumericalNotes, kEngineLayouts, kEngineBehaviours}) {
    EXPECT_EQ(answer_of(*engine, name, kChip)->count, 0);
  }
}

TEST(Answer, IsNoneForAnAttributeThatNobodyKnows) { EXPECT_FALSE(answer_of(BackendObject(kBackendPlan), 405, kChip)); }

}  // namespace
}  // namespace unfrag::null
