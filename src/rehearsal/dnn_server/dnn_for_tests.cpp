// A libcudnn_graph.so.9 for tests: a few functions of its backend interface, with heuristics that are known beforehand.
//
// It goes by the type of the last operation: convolutions have two plans, each of the size below and one more byte, and
// a third that cannot be made; the others are how cuDNN fails. An engine's number tells how often heuristics were made.
#include "rehearsal/dnn_server/dnn_for_tests.h"

#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace {

using namespace unfrag::dnn_for_tests;

struct Object {
  int type = 0;
  const Object* part = nullptr;  ///< The last of the parts that it was given.
  int operation = 0;             ///< Of a configuration, what it is for, and
  int64_t place = 0;             ///< ... its place among what was proposed.
  bool bad = false;
};

Object& of(void* object) { return *static_cast<Object*>(object); }

enum Type { kHeuristics = 4, kPlan = 5 };
constexpr int64_t kEngines = 3;
constexpr int kFailed = 3000;

int64_t made = 0;

int64_t size_for(int operation) {
  return operation == kForward ? 5'000'000 : operation == kData ? 6'000'000 : 7'000'000;
}

int propose(Object& heuristics) {
  ++made;
  switch (heuristics.part->part->type) {  // of its graph
    case kCrashes: raise(SIGSEGV); break;
    case kHangs: pause(); break;
    case kRefused: return kFailed;
    default: break;
  }
  return 0;
}

int make_plan(Object& plan) {
  if (plan.part->place == 1 && plan.part->operation == kPlanCrashes) raise(SIGSEGV);
  return plan.part->place == 2 ? kFailed : 0;
}

}  // namespace

extern "C" {

size_t cudnnGetVersion() { return UNFRAG_DNN_VERSION; }

int cudnnBackendCreateDescriptor(int type, void** object) {
  *object = new Object{.type = type};
  return 0;
}
int cudnnBackendDestroyDescriptor(void* object) {
  delete static_cast<Object*>(object);
  return 0;
}
int cudnnBackendSetAttribute(void* object, int name, int type, int64_t count, const void* values) {
  constexpr int kParts = 15;
  constexpr int kDeviceOfPlan = 407, kDeviceOfHeuristics = 204, kDescription = 2702;
  if (name == kDescription) of(object).bad = std::strncmp(static_cast<const char*>(values), "{\"deviceVer\":", 13) != 0;
  if (type != kParts || count < 1 || name == kDeviceOfPlan || name == kDeviceOfHeuristics) return 0;
  of(object).part = static_cast<Object* const*>(values)[count - 1];
  return 0;
}
int cudnnBackendFinalize(void* object) {
  if (of(object).bad) return kFailed;
  if (of(object).type == kHeuristics) return propose(of(object));
  return of(object).type == kPlan ? make_plan(of(object)) : 0;
}
int cudnnBackendGetAttribute(void* object, int name, int, int64_t room, int64_t* count, void* values) {
  constexpr int kResults = 202, kEngine = 300, kShared = 304, kWorkspace = 402, kIndex = 1301, kNumericalNotes = 1303;
  *count = 1;
  switch (name) {
    case kResults:
      *count = kEngines;
      for (int64_t i = 0; i < room && i < kEngines; ++i) {
        Object& result = of(static_cast<void**>(values)[i]);
        result.operation = of(object).part->part->type;
        result.place = i;
      }
      return 0;
    case kEngine: return 0;
    case kShared: *static_cast<int32_t*>(values) = 48; return 0;
    case kWorkspace:
      *static_cast<int64_t*>(values) = size_for(of(object).part->operation) + of(object).part->place;
      return 0;
    case kIndex: *static_cast<int64_t*>(values) = made; return 0;
    case kNumericalNotes: *static_cast<int32_t*>(values) = 4; return 0;
    default: *count = 0; return 0;
  }
}

}  // extern "C"
