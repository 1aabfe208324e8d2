#include "rehearsal/null/dnn_question.h"

#include <map>
#include <vector>

namespace unfrag::null {
namespace {

using dnn_protocol::GraphAttribute;
using dnn_protocol::GraphObject;

constexpr int kHandle = 0;  // cudnnBackendAttributeType_t
constexpr int kPointer = 6;

template <class Value>
void add(std::string& packet, const Value& value) {
  packet.append(reinterpret_cast<const char*>(&value), sizeof value);
}

bool is_told(const BackendValue& value) { return value.type != kHandle && value.type != kPointer; }

/// Writes objects, each once, parts before what they are part of.
class Writer {
 public:
  explicit Writer(std::string& packet) : packet_(packet) {}

  void write(const BackendObject& object) {
    std::vector<std::vector<uint32_t>> numbers;
    GraphObject head{.type = object.type()};
    for (const auto& [name, value] : object.values()) {
      if (is_told(value)) ++head.attributes;
      numbers.push_back(numbers_of(value));
    }
    add(packet_, head);
    for (size_t i = 0; i < numbers.size(); ++i) {
      const auto& [name, value] = object.values()[i];
      if (is_told(value)) write_attribute(name, value, numbers[i]);
    }
    numbers_.emplace(&object, static_cast<uint32_t>(numbers_.size()));
  }

 private:
  /// Of the parts of a value, which are written where they are new.
  std::vector<uint32_t> numbers_of(const BackendValue& value) {
    std::vector<uint32_t> numbers;
    for (const BackendPart& part : value.parts) {
      if (!numbers_.contains(part.get())) write(*part);
      numbers.push_back(numbers_.at(part.get()));
    }
    return numbers;
  }

  void write_attribute(int name, const BackendValue& value, const std::vector<uint32_t>& parts) {
    const size_t bytes = value.bytes.size() + parts.size() * sizeof(uint32_t);
    add(packet_, GraphAttribute{.name = name, .type = value.type, .count = value.count, .bytes = bytes});
    packet_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    for (const uint32_t part : parts) add(packet_, part);
  }

  std::string& packet_;
  std::map<const BackendObject*, uint32_t> numbers_;
};

}  // namespace

std::string question_of(const dnn_protocol::Question& question, const BackendObject& graph) {
  std::string packet;
  add(packet, question);
  Writer(packet).write(graph);
  return packet;
}

}  // namespace unfrag::null
