// cuDNN's backend interface: objects, their attributes, and the execution of a plan, which does nothing.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "rehearsal/null/api.h"
#include "rehearsal/null/dnn_asked.h"
#include "rehearsal/null/dnn_backend.h"
#include "rehearsal/null/dnn_calls.h"
#include "rehearsal/null/dnn_connection.h"
#include "rehearsal/null/dnn_plan.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/workspaces.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kMath>;

BackendHandle& backend(void* handle) { return *static_cast<BackendHandle*>(handle); }

DnnStatus unanswered(const char* what, int number) {
  log_unanswered(std::string(what) + " " + std::to_string(number));
  return kDnnNotSupported;
}

/// Never destroyed: the program's own destructors still call in when it exits.
DnnConnection& real_dnn() {
  static auto* const connection = new DnnConnection(stage().folder);
  return *connection;
}

/// What cuDNN itself says where it can be asked, else what the rules do.
std::optional<BackendValue> answer_and_count(const BackendObject& object, int name) {
  auto asked = asked_answer_of(object, name, real_dnn());
  if (is_size(name)) count(asked ? counters().asked : counters().modelled);
  if (name == kHeuristicsResults) counters().dnn_version = static_cast<uint64_t>(real_dnn().version());
  return asked ? asked : answer_of(object, name, dnn_chip());
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API DnnStatus cudnnBackendCreateDescriptor(int type, void** handle) {
  const Entered entered;
  if (type < 0 || type >= kBackendTypes) return unanswered("cudnnBackendCreateDescriptor", type);
  *handle = new BackendHandle{std::make_shared<BackendObject>(type)};
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnBackendDestroyDescriptor(void* handle) {
  const Entered entered;
  delete static_cast<BackendHandle*>(handle);
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnBackendFinalize(void* handle) {
  const Entered entered;
  if (handle == nullptr) return kDnnBadParameter;
  return finalize(*backend(handle).object, real_dnn()) ? kDnnSuccess : kDnnNotSupported;
}

UNFRAG_NULL_API DnnStatus cudnnBackendSetAttribute(void* handle, int name, int type, int64_t count, const void* array) {
  const Entered entered;
  auto value = read_value(type, count, array);
  if (handle == nullptr || !value) return kDnnBadParameter;
  backend(handle).object->set(name, std::move(*value));
  return kDnnSuccess;
}

/// An attribute that nobody knows is left unwritten and counted, like a function that nobody knows.
UNFRAG_NULL_API DnnStatus cudnnBackendGetAttribute(void* handle, int name, int, int64_t room, int64_t* found,
                                                   void* array) {
  const Entered entered;
  if (handle == nullptr) return kDnnBadParameter;
  const BackendObject& object = *backend(handle).object;
  const BackendValue* value = object.find(name);
  const auto answer = value == nullptr ? answer_and_count(object, name) : std::nullopt;
  if (value == nullptr && !answer) return unanswered("cudnnBackendGetAttribute", name);
  const int64_t all = write_value(value == nullptr ? *answer : *value, room, array);
  // What was written, where something was asked for: a count beyond the room makes callers read what is not there.
  if (found != nullptr) *found = array != nullptr && room > 0 && room < all ? room : all;
  return kDnnSuccess;
}

UNFRAG_NULL_API DnnStatus cudnnBackendExecute(void*, void* plan, void* pack) {
  const Entered entered;
  if (plan == nullptr || pack == nullptr) return kDnnBadParameter;
  count(counters().launches);
  const auto workspace = backend(pack).object->integer(kPackWorkspace).value_or(0);
  log_workspace(static_cast<uint64_t>(workspace), is_asked(*backend(plan).object));
  return kDnnSuccess;
}
