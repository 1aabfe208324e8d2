#include "ingest/node_store.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace unfrag::ingest {
namespace {

constexpr size_t kWideCacheSize = 4096;  // addresses come back often: this keeps one copy of most
constexpr int kWideCacheShift = 64 - 12;
constexpr uint64_t kEmptyObjects = 3;
constexpr uint64_t kPairHalfLimit = uint64_t{1} << 28;

/// The container of this kind that is empty for ever. Requires: the order in which NodeStore makes them.
Value empty_object(ObjectKind kind) { return {Kind::kObject, static_cast<uint64_t>(kind)}; }

Value wide_value(uint32_t index, bool negative) { return {Kind::kWide, uint64_t{index} << 1 | (negative ? 1U : 0U)}; }

}  // namespace

NodeStore::NodeStore(trace::Builder& builder) : builder_(builder) {
  for (const std::string_view word : kWords) builder_.intern(word);
  for (const ObjectKind kind : {ObjectKind::kList, ObjectKind::kTuple, ObjectKind::kDict}) {
    new_object(kind);
    objects_.back().checked = true;
  }
}

Value NodeStore::text(std::string_view bytes) {
  if (bytes.empty()) return {Kind::kText, trace::kEmptyString.value()};
  const auto first = static_cast<unsigned char>(bytes.front());
  trace::StringIdx& recent = recent_texts_[(bytes.size() + first) % recent_texts_.size()];
  if (recent.is_none() || builder_.trace.strings[recent] != bytes) recent = builder_.intern(bytes);
  return {Kind::kText, recent.value()};
}

Value NodeStore::wide_integer(int64_t value) { return wide_value(wide_index(static_cast<uint64_t>(value)), value < 0); }

Value NodeStore::integer_unsigned(uint64_t value) {
  if (value <= static_cast<uint64_t>(Value::kLargestInt)) return {Kind::kInt, value};
  return wide_value(wide_index(value), false);
}

Value NodeStore::real(double value) { return {Kind::kReal, wide_index(std::bit_cast<uint64_t>(value))}; }

uint32_t NodeStore::wide_index(uint64_t bits) {
  if (wide_cache_.empty()) wide_cache_.resize(kWideCacheSize, 0);
  uint32_t& cached = wide_cache_[(bits * 0x9E3779B97F4A7C15) >> kWideCacheShift];
  if (cached < wide_.size() && wide_[cached] == bits) return cached;
  wide_.push_back(bits);
  cached = static_cast<uint32_t>(wide_.size() - 1);
  return cached;
}

Value NodeStore::new_object(ObjectKind kind) {
  objects_.emplace_back().kind = kind;
  return {Kind::kObject, objects_.size() - 1};
}

Value NodeStore::make_list(std::span<const Value> items, ObjectKind kind) {
  if (items.empty()) return empty_object(kind);
  if (const auto recognised = recognise_list(items, kind)) return *recognised;
  const Value list = new_object(kind);
  append(list, items);
  return list;
}

Value NodeStore::make_dict(std::span<const Value> key_values) {
  if (key_values.empty()) return empty_object(ObjectKind::kDict);
  if (const auto recognised = recognise_dict(key_values)) return *recognised;
  const Value dict = new_object(ObjectKind::kDict);
  extend_dict(dict.payload(), key_values);
  return dict;
}

bool NodeStore::append(Value container, std::span<const Value> items) {
  const bool recognised = container.kind() == Kind::kStack || container.is_run() || container.kind() == Kind::kFrame;
  if (recognised) {
    seen.added_too_late += items.size();
    return true;
  }
  if (container.kind() != Kind::kObject || container.payload() < kEmptyObjects) return false;
  const uint64_t object = container.payload();
  if (objects_[object].kind == ObjectKind::kDict) {
    extend_dict(object, items);
  } else {
    for (const Value item : items) push_sealed(object, seal(item));
  }
  return true;
}

void NodeStore::extend_dict(uint64_t object, std::span<const Value> key_values) {
  for (size_t i = 0; i + 1 < key_values.size(); i += 2) {
    const Value sealed = seal(key_values[i + 1]);
    objects_[object].items.push_back(key_values[i]);
    objects_[object].items.push_back(sealed);
  }
}

// Neighbouring rows of a table are kept as one run: a list of five million events is a single item.
void NodeStore::push_sealed(uint64_t object, Value item) {
  auto& items = objects_[object].items;
  if (item.is_run() && !items.empty() && items.back().kind() == item.kind()) {
    const Value last = items.back();
    const uint32_t count = last.run_count() + item.run_count();
    if (last.run_first() + last.run_count() == item.run_first() && count <= Value::kLongestRun) {
      items.back() = Value::run(last.kind(), last.run_first(), count);
      return;
    }
  }
  items.push_back(item);
}

Value NodeStore::seal(Value value) {
  if (value.kind() == Kind::kFreshList) return empty_object(ObjectKind::kList);
  if (value.kind() == Kind::kFreshDict) return empty_object(ObjectKind::kDict);
  if (value.kind() != Kind::kObject) return value;
  const uint64_t index = value.payload();
  if (!objects_[index].checked) {
    objects_[index].checked = true;
    // Recognising can add objects and so move this one: its items are held apart meanwhile.
    std::vector<Value> items = std::move(objects_[index].items);
    const ObjectKind kind = objects_[index].kind;
    const auto became = kind == ObjectKind::kDict ? recognise_dict(items) : recognise_list(items, kind);
    objects_[index].items = std::move(items);
    if (became) objects_[index].became = *became;
  }
  const Value became = objects_[index].became;
  return became.kind() == Kind::kNone ? value : became;
}

const Object* NodeStore::object(Value value) const {
  return value.kind() == Kind::kObject ? &objects_[value.payload()] : nullptr;
}

Value NodeStore::get(const Object& dict, Word key) const {
  if (dict.kind != ObjectKind::kDict) return {};
  const Value wanted(Kind::kText, static_cast<uint64_t>(key));
  for (size_t i = std::min(dict.items.size(), kSearchedItems); i >= 2; i -= 2) {  // the last one wins, as in Python
    if (dict.items[i - 2] == wanted) return dict.items[i - 1];
  }
  return {};
}

std::optional<double> NodeStore::to_real(Value value) const {
  if (value.kind() == Kind::kReal) return std::bit_cast<double>(wide_[value.payload()]);
  if (const auto integer_value = to_signed(value)) return static_cast<double>(*integer_value);
  return std::nullopt;
}

std::optional<bool> NodeStore::to_bool(Value value) {
  if (value.kind() == Kind::kBool) return value.payload() != 0;
  if (value.kind() == Kind::kInt) return value.small_int() != 0;
  return std::nullopt;
}

std::optional<trace::PoolId> NodeStore::to_pool(Value value) const {
  if (value.kind() == Kind::kPair) return trace::PoolId{value.payload() >> 28, value.payload() & (kPairHalfLimit - 1)};
  const Object* pair = object(value);
  if (pair == nullptr || pair->kind == ObjectKind::kDict || pair->items.size() != 2) return std::nullopt;
  const auto first = to_unsigned(pair->items[0]);
  const auto second = to_unsigned(pair->items[1]);
  if (!first || !second) return std::nullopt;
  return trace::PoolId{*first, *second};
}

}  // namespace unfrag::ingest
