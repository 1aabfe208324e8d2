// The objects of cuDNN's backend interface: each has a type and attributes, which are arrays of one kind of value.
//
//   tensors ─► operation ─► graph ─► heuristics ─► configuration ─► plan ─► execute
//
// An object that another one is given stays with it, for programs destroy the earlier ones when they have the later. No
// attribute is interpreted here (dnn_plan.h does). Threads: an object belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace unfrag::null {

class BackendObject;
using BackendPart = std::shared_ptr<const BackendObject>;

/// What a program holds, a cudnnBackendDescriptor_t; an answer that is an object is put into one that it brings along.
struct BackendHandle {
  std::shared_ptr<BackendObject> object;
};

/// cudnnBackendAttributeType_t, as far as it is named here.
inline constexpr int kBackendInt64 = 3;
inline constexpr int kBackendPart = 15;
inline constexpr int kBackendInt32 = 23;

struct BackendValue {
  int type = 0;
  int64_t count = 0;
  std::vector<std::byte> bytes{};    ///< Of `count` elements, but for parts.
  std::vector<BackendPart> parts{};  ///< For kBackendPart.
};

BackendValue int64_value(int64_t number);
BackendValue int32_value(int32_t number);
BackendValue parts_value(std::vector<BackendPart> parts);

/// Copies what a program passes; nothing for a type that nobody knows or an array that is missing.
std::optional<BackendValue> read_value(int type, int64_t count, const void* array);
/// Copies into what a program brings, never more elements than it has room for. Returns how many there are to be had.
int64_t write_value(const BackendValue& value, int64_t room, void* array);

class BackendObject {
 public:
  explicit BackendObject(int type) : type_(type) {}

  [[nodiscard]] int type() const { return type_; }
  void set(int name, BackendValue value);
  [[nodiscard]] const BackendValue* find(int name) const;
  /// All that were set, in the order in which they were.
  [[nodiscard]] const std::vector<std::pair<int, BackendValue>>& values() const { return values_; }

  // An attribute as what it is; nothing where it was not set.
  [[nodiscard]] std::vector<int64_t> integers(int name) const;  ///< Of 64 bits, or an enumeration.
  [[nodiscard]] std::optional<int64_t> integer(int name) const;
  [[nodiscard]] std::vector<BackendPart> parts(int name) const;
  [[nodiscard]] BackendPart part(int name) const;

 private:
  int type_;
  std::vector<std::pair<int, BackendValue>> values_;  ///< By name; few, so that a search is short.
};

}  // namespace unfrag::null
