#include "rehearsal/null/dnn_plan.h"

#include <memory>
#include <utility>
#include <vector>

#include "rehearsal/null/dnn_attention.h"

namespace unfrag::null {
namespace {

// Numbers of the engines that are proposed. The library's own end long before.
constexpr int64_t kFirst = 1000;
constexpr int64_t kLargest = 1001;
constexpr int64_t kLastResort = 1002;

constexpr int64_t kFallbackMode = 2;  // cudnnBackendHeurMode_t

/// Where an operation keeps what it works on.
struct ConvolutionNames {
  int type;
  Convolution::Direction direction;
  int descriptor, w, x, y;
};
constexpr ConvolutionNames kConvolutions[] = {
    {kBackendConvolutionForward, Convolution::Direction::kForward, 702, 703, 704, 705},
    {kBackendConvolutionData, Convolution::Direction::kBackwardData, 708, 709, 710, 711},
    {kBackendConvolutionFilter, Convolution::Direction::kBackwardFilter, 714, 715, 716, 717},
};
constexpr int kDilations = 102;
constexpr int kStrides = 103;

constexpr int kMatmulLeft = 1520;
constexpr int kForwardQueries = 2800;
constexpr int kBackwardQueries = 2851;

DnnTensor tensor_of(const BackendPart& part) {
  if (part == nullptr) return {};
  return {.type = static_cast<int>(part->integer(kTensorType).value_or(kDnnFloat)),
          .dims = part->integers(kTensorDims),
          .strides = part->integers(kTensorStrides)};
}

std::optional<Convolution> convolution_of(const BackendObject& operation, const DnnChip& chip) {
  for (const ConvolutionNames& names : kConvolutions) {
    if (operation.type() != names.type) continue;
    const BackendPart how = operation.part(names.descriptor);
    if (how == nullptr) return std::nullopt;
    return Convolution{.direction = names.direction,
                       .x = tensor_of(operation.part(names.x)),
                       .w = tensor_of(operation.part(names.w)),
                       .y = tensor_of(operation.part(names.y)),
                       .stride = how->integers(kStrides),
                       .dilation = how->integers(kDilations),
                       .chip = chip};
  }
  return std::nullopt;
}

Attention attention_of(const DnnTensor& queries, bool backward) {
  if (queries.dims.size() != 4) return {};
  const auto width = static_cast<uint64_t>(queries.dims[3]);
  return {.backward = backward, .rows = width == 0 ? 0 : queries.elements() / width, .width = width};
}

/// Attention as one operation, or as products of matrices: two forward, five backward.
Attention attention_in(const BackendObject& graph) {
  constexpr int kForwardProducts = 2;
  DnnTensor left;
  int products = 0;
  for (const BackendPart& operation : graph.parts(kGraphOperations)) {
    if (operation->type() == kBackendAttentionForward)
      return attention_of(tensor_of(operation->part(kForwardQueries)), false);
    if (operation->type() == kBackendAttentionBackward)
      return attention_of(tensor_of(operation->part(kBackwardQueries)), true);
    if (operation->type() == kBackendMatmul && products++ == 0) left = tensor_of(operation->part(kMatmulLeft));
  }
  return attention_of(left, products > kForwardProducts);
}

int64_t workspace_of(const BackendPart& configuration, const DnnChip& chip) {
  const BackendPart engine = configuration == nullptr ? nullptr : configuration->part(kConfigurationEngine);
  const BackendPart graph = engine == nullptr ? nullptr : engine->part(kEngineGraph);
  if (graph == nullptr) return 0;
  const int64_t index = engine->integer(kEngineIndex).value_or(kFirst);
  if (index == kLastResort) return 0;
  const auto convolution = convolution_in(*graph, chip);
  if (!convolution) return static_cast<int64_t>(attention_workspace(attention_in(*graph)));
  return static_cast<int64_t>(index == kLargest ? largest_convolution_workspace(*convolution)
                                                : convolution_workspace(*convolution));
}

std::vector<int64_t> engines_for(const BackendObject& graph, bool last_resort, const DnnChip& chip) {
  const bool is_convolution = convolution_in(graph, chip).has_value();
  if (last_resort && is_convolution) return {kLastResort};
  return is_convolution ? std::vector{kFirst, kLargest} : std::vector{kFirst};
}

BackendPart configuration_with(const BackendPart& graph, int64_t index) {
  auto engine = std::make_shared<BackendObject>(kBackendEngine);
  engine->set(kEngineGraph, parts_value({graph}));
  engine->set(kEngineIndex, int64_value(index));
  auto configuration = std::make_shared<BackendObject>(kBackendConfiguration);
  configuration->set(kConfigurationEngine, parts_value({std::move(engine)}));
  return configuration;
}

std::optional<BackendValue> results_of(const BackendObject& heuristics, const DnnChip& chip) {
  const BackendPart graph = heuristics.part(kHeuristicsGraph);
  if (graph == nullptr) return std::nullopt;
  const bool last_resort = heuristics.integer(kHeuristicsMode) == kFallbackMode;
  std::vector<BackendPart> configurations;
  for (const int64_t index : engines_for(*graph, last_resort, chip)) {
    configurations.push_back(configuration_with(graph, index));
  }
  return parts_value(std::move(configurations));
}

}  // namespace

std::optional<Convolution> convolution_in(const BackendObject& graph, const DnnChip& chip) {
  for (const BackendPart& operation : graph.parts(kGraphOperations)) {
    if (auto convolution = convolution_of(*operation, chip)) return convolution;
  }
  return std::nullopt;
}

std::optional<BackendValue> answer_of(const BackendObject& object, int name, const DnnChip& chip) {
  switch (name) {
    case kHeuristicsResults: return results_of(object, chip);
    case kPlanWorkspace: return int64_value(workspace_of(object.part(kPlanConfiguration), chip));
    case kConfigurationWorkspace: return int64_value(workspace_of(std::make_shared<BackendObject>(object), chip));
    case kGraphEngines: return int64_value(static_cast<int64_t>(engines_for(object, false, chip).size()));
    case kConfigurationShared: return int32_value(0);
    case kConfigurationKnobs:  // Nothing can be turned, and nothing is to be noted.
    case kEngineKnobs:
    case kEngineNumericalNotes:
    case kEngineLayouts:
    case kEngineBehaviours: return parts_value({});
    default: return std::nullopt;
  }
}

}  // namespace unfrag::null
