#include "rehearsal/dnn_server/graph.h"

#include <cstring>

#include "rehearsal/dnn_protocol.h"

namespace unfrag::dnn_server {
namespace {

using dnn_protocol::GraphAttribute;
using dnn_protocol::GraphObject;

template <class Value>
bool take(std::string_view& text, Value& value) {
  if (text.size() < sizeof value) return false;
  std::memcpy(&value, text.data(), sizeof value);
  text.remove_prefix(sizeof value);
  return true;
}

/// The objects whose numbers stand in `bytes`.
bool find_parts(std::string_view bytes, int64_t count, const std::vector<Object>& objects,
                std::vector<Descriptor>& parts) {
  for (uint32_t number = 0; take(bytes, number);) {
    if (number >= objects.size()) return false;
    parts.push_back(objects[number].get());
  }
  return static_cast<int64_t>(parts.size()) == count;
}

bool set_attribute(const Library& library, const Object& object, std::string_view& text,
                   const std::vector<Object>& before) {
  GraphAttribute attribute;
  if (!take(text, attribute) || attribute.bytes > text.size()) return false;
  const std::string_view bytes = text.substr(0, attribute.bytes);
  text.remove_prefix(attribute.bytes);
  std::vector<Descriptor> parts;
  const void* values = bytes.data();
  if (attribute.type == dnn_protocol::kPart) {
    if (!find_parts(bytes, attribute.count, before, parts)) return false;
    values = static_cast<const void*>(parts.data());
  } else if (attribute.count < 0 || static_cast<uint64_t>(attribute.count) > bytes.size()) {
    return false;
  }
  // What this release does not take, as it is older than the program's, may be left at its default.
  library.set(object.get(), attribute.name, attribute.type, attribute.count, values);
  return true;
}

}  // namespace

std::vector<Object> build_graph(const Library& library, std::string_view description) {
  std::vector<Object> objects;
  while (!description.empty()) {
    GraphObject one;
    if (!take(description, one)) return {};
    Object object(library, one.type);
    if (!object.made()) return {};
    for (uint32_t i = 0; i < one.attributes; ++i) {
      if (!set_attribute(library, object, description, objects)) return {};
    }
    if (library.finalize(object.get()) != 0) return {};
    objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace unfrag::dnn_server
