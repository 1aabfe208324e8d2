#include "rehearsal/null/dnn_backend.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace unfrag::null {
namespace {

constexpr int kTypes = 33;

/// Enumerations have 4 bytes, and so has all that is not named.
size_t size_of(int type) {
  switch (type) {
    case 2:   // boolean
    case 24:  // character
      return 1;
    case 0:  // cuDNN handle
    case kBackendInt64:
    case 5:  // double
    case 6:  // pointer
      return 8;
    case 26:  // fraction: two of 64 bits
      return 16;
    default: return 4;
  }
}

template <class Integer>
BackendValue number_value(int type, Integer number) {
  BackendValue value{.type = type, .count = 1};
  value.bytes.resize(sizeof number);
  std::memcpy(value.bytes.data(), &number, sizeof number);
  return value;
}

}  // namespace

BackendValue int64_value(int64_t number) { return number_value(kBackendInt64, number); }
BackendValue int32_value(int32_t number) { return number_value(kBackendInt32, number); }

BackendValue parts_value(std::vector<BackendPart> parts) {
  BackendValue value{.type = kBackendPart, .count = static_cast<int64_t>(parts.size())};
  value.parts = std::move(parts);
  return value;
}

std::optional<BackendValue> read_value(int type, int64_t count, const void* array) {
  if (type < 0 || type >= kTypes || count < 0 || (array == nullptr && count > 0)) return std::nullopt;
  BackendValue value{.type = type, .count = count};
  const auto elements = static_cast<size_t>(count);
  if (type == kBackendPart) {
    const auto* const handles = static_cast<BackendHandle* const*>(array);
    for (size_t i = 0; i < elements; ++i) {
      if (handles[i] == nullptr) return std::nullopt;
      value.parts.push_back(handles[i]->object);
    }
  } else if (elements > 0) {
    value.bytes.resize(elements * size_of(type));
    std::memcpy(value.bytes.data(), array, value.bytes.size());
  }
  return value;
}

int64_t write_value(const BackendValue& value, int64_t room, void* array) {
  const auto written = static_cast<size_t>(std::clamp<int64_t>(room, 0, value.count));
  if (array == nullptr || written == 0) return value.count;
  if (value.type == kBackendPart) {
    auto* const handles = static_cast<BackendHandle**>(array);
    for (size_t i = 0; i < written; ++i) {
      if (handles[i] != nullptr) handles[i]->object = std::make_shared<BackendObject>(*value.parts[i]);
    }
  } else {
    std::memcpy(array, value.bytes.data(), written * size_of(value.type));
  }
  return value.count;
}

void BackendObject::set(int name, BackendValue value) {
  const auto known = std::ranges::find(values_, name, &std::pair<int, BackendValue>::first);
  if (known == values_.end()) {
    values_.emplace_back(name, std::move(value));
  } else {
    known->second = std::move(value);
  }
}

const BackendValue* BackendObject::find(int name) const {
  const auto found = std::ranges::find(values_, name, &std::pair<int, BackendValue>::first);
  return found == values_.end() ? nullptr : &found->second;
}

std::vector<int64_t> BackendObject::integers(int name) const {
  std::vector<int64_t> numbers;
  const BackendValue* const value = find(name);
  if (value == nullptr) return numbers;
  const size_t size = size_of(value->type);
  for (size_t at = 0; at + size <= value->bytes.size(); at += size) {
    int64_t number = 0;
    std::memcpy(&number, value->bytes.data() + at, std::min(size, sizeof number));
    numbers.push_back(number);
  }
  return numbers;
}

std::optional<int64_t> BackendObject::integer(int name) const {
  const std::vector<int64_t> numbers = integers(name);
  return numbers.empty() ? std::nullopt : std::optional(numbers.front());
}

std::vector<BackendPart> BackendObject::parts(int name) const {
  const BackendValue* const value = find(name);
  return value == nullptr ? std::vector<BackendPart>{} : value->parts;
}

BackendPart BackendObject::part(int name) const {
  const std::vector<BackendPart> all = parts(name);
  return all.empty() ? nullptr : all.front();
}

}  // namespace unfrag::null
