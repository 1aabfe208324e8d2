#include "rehearsal/null/dnn_asked.h"

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "rehearsal/dnn_protocol.h"
#include "rehearsal/null/dnn_plan.h"
#include "rehearsal/null/dnn_question.h"

namespace unfrag::null {
namespace {

using dnn_protocol::Engine;
using dnn_protocol::Engines;
using dnn_protocol::Plan;
using dnn_protocol::Question;
using dnn_protocol::What;

// Attributes of an engine that are this file's own, and of a plan.
constexpr int kAskedMode = -1;
constexpr int kAskedPosition = -2;
constexpr int kAnswered = -3;

/// The numbers of the bits.
BackendValue notes_value(uint32_t bits) {
  BackendValue value{.type = kBackendInt32};
  for (int32_t note = 0; note < 32; ++note) {
    if ((bits >> note & 1U) == 0) continue;
    const BackendValue one = int32_value(note);
    value.bytes.insert(value.bytes.end(), one.bytes.begin(), one.bytes.end());
    ++value.count;
  }
  return value;
}

BackendPart configuration_with(const BackendPart& graph, const Engine& said, int mode, int64_t position) {
  auto engine = std::make_shared<BackendObject>(kBackendEngine);
  engine->set(kEngineGraph, parts_value({graph}));
  engine->set(kEngineIndex, int64_value(said.index));
  engine->set(kEngineNumericalNotes, notes_value(said.numerical_notes));
  engine->set(kEngineBehaviours, notes_value(said.behaviours));
  engine->set(kAskedMode, int64_value(mode));
  engine->set(kAskedPosition, int64_value(position));
  auto configuration = std::make_shared<BackendObject>(kBackendConfiguration);
  configuration->set(kConfigurationEngine, parts_value({std::move(engine)}));
  return configuration;
}

std::optional<BackendValue> proposed(const BackendObject& heuristics, DnnConnection& dnn) {
  const BackendPart graph = heuristics.part(kHeuristicsGraph);
  const auto mode = static_cast<int32_t>(heuristics.integer(kHeuristicsMode).value_or(0));
  if (graph == nullptr) return std::nullopt;
  const auto packet = dnn.ask(question_of({.what = What::kEngines, .mode = mode}, *graph));
  Engines engines;
  if (!packet || packet->size() < sizeof engines) return std::nullopt;
  std::memcpy(&engines, packet->data(), sizeof engines);
  const auto count = static_cast<size_t>(engines.count);
  if (engines.answered == 0 || packet->size() != sizeof engines + count * sizeof(Engine)) return std::nullopt;
  std::vector<BackendPart> configurations;
  for (size_t i = 0; i < count; ++i) {
    Engine engine;
    std::memcpy(&engine, packet->data() + sizeof engines + i * sizeof engine, sizeof engine);
    configurations.push_back(configuration_with(graph, engine, mode, static_cast<int64_t>(i)));
  }
  return parts_value(std::move(configurations));
}

/// What cuDNN says of the plan for a configuration; nothing for one that it has not proposed or crashed over.
std::optional<Plan> plan_for(const BackendObject& configuration, DnnConnection& dnn) {
  const BackendPart engine = configuration.part(kConfigurationEngine);
  const auto position = engine == nullptr ? std::nullopt : engine->integer(kAskedPosition);
  if (!position) return std::nullopt;
  const auto mode = static_cast<int32_t>(engine->integer(kAskedMode).value_or(0));
  const Question question{.what = What::kPlan, .mode = mode, .position = static_cast<int32_t>(*position)};
  const auto packet = dnn.ask(question_of(question, *engine->part(kEngineGraph)));
  Plan plan;
  if (!packet || packet->size() != sizeof plan) return std::nullopt;
  std::memcpy(&plan, packet->data(), sizeof plan);
  return plan;
}

std::optional<Plan> plan_of(const BackendObject& plan, DnnConnection& dnn) {
  const BackendPart configuration = plan.part(kPlanConfiguration);
  return configuration == nullptr ? std::nullopt : plan_for(*configuration, dnn);
}

}  // namespace

std::optional<BackendValue> asked_answer_of(const BackendObject& object, int name, DnnConnection& dnn) {
  if (name == kHeuristicsResults) return proposed(object, dnn);
  if (name != kPlanWorkspace && name != kConfigurationWorkspace && name != kConfigurationShared) return std::nullopt;
  const auto plan = name == kPlanWorkspace ? plan_of(object, dnn) : plan_for(object, dnn);
  if (!plan) return std::nullopt;
  return name == kConfigurationShared ? int32_value(plan->shared_bytes) : int64_value(plan->workspace_bytes);
}

bool finalize(BackendObject& object, DnnConnection& dnn) {
  if (object.type() != kBackendPlan) return true;
  const auto plan = plan_of(object, dnn);
  if (plan) object.set(kAnswered, int64_value(1));
  return !plan || plan->works != 0;
}

bool is_asked(const BackendObject& object) { return object.find(kAnswered) != nullptr; }

}  // namespace unfrag::null
