#include "rehearsal/dnn_server/answers.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "rehearsal/dnn_server/graph.h"

namespace unfrag::dnn_server {
namespace {

using dnn_protocol::Engine;
using dnn_protocol::Engines;
using dnn_protocol::Plan;
using dnn_protocol::Question;
using dnn_protocol::What;

// NVIDIA's numbers for kinds of objects, their attributes and values.
constexpr int kEngine = 2, kConfiguration = 3, kHeuristics = 4, kPlan = 5, kDevice = 38;
constexpr int kMode = 200, kGraph = 201, kResults = 202, kHeuristicsDevice = 204;
constexpr int kConfigurationEngine = 300, kConfigurationWorkspace = 303, kShared = 304;
constexpr uint32_t kCompiles = 1;  // the bit of CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION
constexpr int kPlanConfiguration = 401, kWorkspace = 402, kPlanDevice = 407;
constexpr int kEngineIndex = 1301, kNumericalNotes = 1303, kBehaviours = 1305;
constexpr int kDeviceText = 2702;
constexpr int kInt64 = 3, kModeType = 8, kNumericalNote = 11, kPart = 15, kBehaviour = 19, kInt32 = 23, kCharacter = 24;

template <class Value>
void add(std::string& packet, const Value& value) {
  packet.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// What an engine notes of itself, bit by number.
uint32_t notes_of(const Library& library, const Object& engine, int name, int type) {
  std::array<int32_t, 32> notes{};
  int64_t count = 0;
  if (library.get(engine.get(), name, type, notes.size(), &count, notes.data()) != 0) return 0;
  uint32_t bits = 0;
  for (size_t i = 0; i < notes.size() && static_cast<int64_t>(i) < count; ++i) bits |= 1U << (notes[i] & 31);
  return bits;
}

}  // namespace

Answers::Answers(const Library& library, const std::string& device) : library_(library), device_(library, kDevice) {
  described_ =
      device_.made() &&
      library.set(device_.get(), kDeviceText, kCharacter, static_cast<int64_t>(device.size()), device.c_str()) == 0 &&
      library.finalize(device_.get()) == 0;
}

bool Answers::propose(int mode) {
  const Object heuristics(library_, kHeuristics);
  if (!heuristics.made() || library_.set(heuristics.get(), kGraph, kPart, 1, objects_.back().array()) != 0 ||
      library_.set(heuristics.get(), kMode, kModeType, 1, &mode) != 0 ||
      library_.set(heuristics.get(), kHeuristicsDevice, kPart, 1, device_.array()) != 0 ||
      library_.finalize(heuristics.get()) != 0) {
    return false;
  }
  int64_t count = 0;
  if (library_.get(heuristics.get(), kResults, kPart, 0, &count, nullptr) != 0) return false;
  count = std::clamp<int64_t>(count, 0, dnn_protocol::kMostEngines);
  std::vector<Descriptor> results;
  for (int64_t i = 0; i < count; ++i) {
    configurations_.emplace_back(library_, kConfiguration);
    results.push_back(configurations_.back().get());
  }
  int64_t found = 0;
  if (count > 0 &&
      library_.get(heuristics.get(), kResults, kPart, count, &found, static_cast<void*>(results.data())) != 0)
    return false;
  while (static_cast<int64_t>(configurations_.size()) > found) configurations_.pop_back();
  return true;
}

bool Answers::prepare(int mode, std::string_view graph) {
  if (mode_ == mode && graph_ == graph) return proposed_;
  mode_ = mode;
  graph_ = graph;
  configurations_.clear();
  objects_.clear();
  objects_ = build_graph(library_, graph);
  proposed_ = described_ && !objects_.empty() && propose(mode);
  return proposed_;
}

Engine Answers::engine_of(const Object& configuration) const {
  Engine answer;
  const Object engine(library_, kEngine);
  int64_t count = 0;
  Descriptor made = engine.get();
  if (library_.get(configuration.get(), kConfigurationEngine, kPart, 1, &count, static_cast<void*>(&made)) != 0)
    return answer;
  library_.get(engine.get(), kEngineIndex, kInt64, 1, &count, &answer.index);
  answer.numerical_notes = notes_of(library_, engine, kNumericalNotes, kNumericalNote);
  answer.behaviours = notes_of(library_, engine, kBehaviours, kBehaviour);
  return answer;
}

bool Answers::needs(const Object& configuration, Plan& plan) const {
  int64_t count = 0;
  return library_.get(configuration.get(), kConfigurationWorkspace, kInt64, 1, &count, &plan.workspace_bytes) == 0 &&
         library_.get(configuration.get(), kShared, kInt32, 1, &count, &plan.shared_bytes) == 0;
}

Plan Answers::plan_of(int32_t position) const {
  if (position < 0 || static_cast<size_t>(position) >= configurations_.size()) return {};
  const Object& configuration = configurations_[static_cast<size_t>(position)];
  Plan answer;
  // A plan that compiles its kernel takes a second to make, and a driver to load it. The configuration says the same.
  if ((engine_of(configuration).behaviours & kCompiles) != 0 && needs(configuration, answer)) {
    answer.works = 1;
    return answer;
  }
  const Object plan(library_, kPlan);
  int64_t count = 0;
  if (!plan.made() || library_.set(plan.get(), kPlanConfiguration, kPart, 1, configuration.array()) != 0 ||
      library_.set(plan.get(), kPlanDevice, kPart, 1, device_.array()) != 0 || library_.finalize(plan.get()) != 0 ||
      library_.get(plan.get(), kWorkspace, kInt64, 1, &count, &answer.workspace_bytes) != 0) {
    return {};
  }
  library_.get(configuration.get(), kShared, kInt32, 1, &count, &answer.shared_bytes);
  answer.works = 1;
  return answer;
}

std::optional<std::string> Answers::answer(std::string_view question) {
  Question asked;
  if (question.size() < sizeof asked) return std::nullopt;
  std::memcpy(&asked, question.data(), sizeof asked);
  const bool proposed = prepare(asked.mode, question.substr(sizeof asked));
  std::string packet;
  if (asked.what == What::kPlan) {
    add(packet, proposed ? plan_of(asked.position) : Plan{});
    return packet;
  }
  add(packet, Engines{.answered = proposed ? 1 : 0, .count = static_cast<int32_t>(configurations_.size())});
  for (const Object& configuration : configurations_) add(packet, engine_of(configuration));
  return packet;
}

}  // namespace unfrag::dnn_server
