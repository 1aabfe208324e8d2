// What cuDNN's backend objects say of themselves without having been told: plans to choose from, and what they need.
//
// For a convolution there are two plans: the one that the library would propose first, and the one that wants most
// memory, which a program meets that tries them all. If neither fits, the list of last resort has one without a
// workspace. All other graphs have one plan. Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "rehearsal/null/dnn_backend.h"
#include "rehearsal/null/dnn_convolution.h"
#include "rehearsal/null/dnn_tensor.h"

namespace unfrag::null {

/// cudnnBackendDescriptorType_t, as far as it is named here.
enum BackendType : int {
  kBackendEngine = 2,
  kBackendConfiguration = 3,
  kBackendHeuristics = 4,
  kBackendPlan = 5,
  kBackendConvolutionForward = 10,
  kBackendConvolutionFilter = 11,
  kBackendConvolutionData = 12,
  kBackendGraph = 15,
  kBackendTensor = 17,
  kBackendMatmul = 19,
  kBackendAttentionForward = 41,
  kBackendAttentionBackward = 43,
  kBackendTypes = 51,  ///< How many there are in cuDNN 9.27.
};

/// cudnnBackendAttributeName_t, as far as it is named here.
enum BackendName : int {
  kHeuristicsMode = 200,
  kHeuristicsGraph = 201,
  kHeuristicsResults = 202,
  kConfigurationEngine = 300,
  kConfigurationKnobs = 302,
  kConfigurationWorkspace = 303,
  kConfigurationShared = 304,
  kPlanConfiguration = 401,
  kPlanWorkspace = 402,
  kGraphOperations = 801,
  kGraphEngines = 802,
  kTensorType = 901,
  kTensorDims = 902,
  kTensorStrides = 903,
  kPackWorkspace = 1003,
  kEngineGraph = 1300,
  kEngineIndex = 1301,
  kEngineKnobs = 1302,
  kEngineNumericalNotes = 1303,
  kEngineLayouts = 1304,
  kEngineBehaviours = 1305,
};

/// The answer for an attribute that was never set; nothing where there is none.
std::optional<BackendValue> answer_of(const BackendObject& object, int name, const DnnChip& chip);

/// Whether an answer for it is the size of a workspace.
inline bool is_size(int name) { return name == kPlanWorkspace || name == kConfigurationWorkspace; }

/// The convolution in a graph of operations, whatever is fused with it.
std::optional<Convolution> convolution_in(const BackendObject& graph, const DnnChip& chip);

}  // namespace unfrag::null
