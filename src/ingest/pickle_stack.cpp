#include "ingest/pickle_stack.h"

namespace unfrag::ingest {
namespace {

// CPython writes list items in batches of this many: a full batch may not be the last.
constexpr size_t kBatch = 1000;

ObjectKind kind_of(Value fresh) { return fresh.kind() == Kind::kFreshList ? ObjectKind::kList : ObjectKind::kDict; }

}  // namespace

bool PickleStack::pop_mark(size_t& at) {
  if (marks_.empty()) return false;
  at = marks_.back();
  marks_.pop_back();
  return true;
}

Damage PickleStack::put(uint64_t index) {
  if (!has(1)) return "nothing to put in the memo";
  while (memo_.size() <= index) memo_.push_back({});
  Value& top = stack_.back();
  if (is_fresh(top) && top.payload() != 0) materialise(stack_.size() - 1);
  if (is_fresh(top)) {
    memo_[index] = Value(top.kind(), stack_.size() - 1);
    top = Value(top.kind(), index + 1);
  } else {
    memo_[index] = top;
  }
  return nullptr;
}

Damage PickleStack::get(uint64_t index) {
  if (index >= memo_.size()) return "the memo has no such entry";
  const Value entry = memo_[index];
  if (!is_fresh(entry)) {
    push(entry);
    return nullptr;
  }
  const uint64_t at = entry.payload();
  if (at < stack_.size() && stack_[at] == Value(entry.kind(), index + 1)) {
    push(materialise(at));
  } else {  // it was taken by another container while empty, and stays so there
    memo_[index] = store_.new_object(kind_of(entry));
    push(memo_[index]);
  }
  return nullptr;
}

/// Gives the value at `at` storage if it is fresh.
Value PickleStack::materialise(size_t at) {
  const Value value = stack_[at];
  if (is_fresh(value)) replace(at, store_.new_object(kind_of(value)));
  return stack_[at];
}

/// Puts what a fresh container became in its place, on the stack and in the memo.
void PickleStack::replace(size_t at, Value value) {
  const Value old = stack_[at];
  if (is_fresh(old) && old.payload() != 0) memo_[old.payload() - 1] = value;
  stack_[at] = value;
}

Damage PickleStack::append_from(size_t at) {
  if (at == 0 || at - 1 < floor()) return "items without a list to append them to";
  const auto items = from(at);
  if (stack_[at - 1].kind() == Kind::kFreshList && !items.empty()) {
    // One item at a time is how protocol 0 writes lists, and a full batch may have successors: not complete yet.
    if (items.size() > 1 && items.size() < kBatch) {
      replace(at - 1, store_.make_list(items));
      stack_.resize(at);
      return nullptr;
    }
    materialise(at - 1);
  }
  if (!items.empty() && !store_.append(stack_[at - 1], items)) {
    if (stack_[at - 1].kind() != Kind::kNone) return "items appended to something that is no list";
  }
  stack_.resize(at);
  return nullptr;
}

Damage PickleStack::set_from(size_t at) {
  if (at == 0 || at - 1 < floor()) return "items without a dict to put them in";
  const auto items = from(at);
  if (items.size() % 2 != 0) return "a key without a value";
  if (stack_[at - 1].kind() == Kind::kFreshDict && !items.empty()) {
    if (items.size() > 2) {
      replace(at - 1, store_.make_dict(items));
      stack_.resize(at);
      return nullptr;
    }
    materialise(at - 1);
  }
  if (!items.empty() && !store_.append(stack_[at - 1], items) && stack_[at - 1].kind() != Kind::kNone) {
    return "items put into something that is no dict";
  }
  stack_.resize(at);
  return nullptr;
}

Damage PickleStack::make_tuple(size_t at) {
  if (at < floor()) return "a tuple of items below the MARK";
  const Value tuple = store_.make_list(from(at), ObjectKind::kTuple);
  stack_.resize(at);
  push(tuple);
  return nullptr;
}

Value PickleStack::close_open() {
  while (!marks_.empty()) {
    const size_t at = marks_.back();
    marks_.pop_back();
    if (at == 0) {
      stack_.clear();
      break;
    }
    const Kind target = stack_[at - 1].kind();
    const Object* object = store_.object(stack_[at - 1]);
    const bool is_dict = target == Kind::kFreshDict || (object != nullptr && object->kind == ObjectKind::kDict);
    if (is_dict) {
      close_dict(at);
    } else {
      append_from(at);
    }
  }
  fold(0);
  return stack_.empty() ? Value() : store_.seal(stack_.front());
}

// Above `at` lie key, value, key, value, then perhaps containers being built inside the last value.
void PickleStack::close_dict(size_t at) {
  size_t last_key = at;
  while (last_key + 2 < stack_.size() && stack_[last_key + 2].kind() == Kind::kText) last_key += 2;
  if (last_key + 1 < stack_.size()) fold(last_key + 1);
  if ((stack_.size() - at) % 2 != 0) stack_.pop_back();
  if (store_.looks_like(from(at)) != Kind::kNone) {
    stack_.resize(at);
    replace(at - 1, {});
  }
  set_from(at);
}

void PickleStack::fold(size_t at) {
  while (stack_.size() > at + 1) {
    const size_t height = stack_.size();
    fold_top(at);
    if (stack_.size() >= height) stack_.resize(height - 1);  // it fits nowhere
  }
}

// The top value goes into the list or dict below it, unless it is a record that was still being written.
void PickleStack::fold_top(size_t at) {
  const size_t top = stack_.size() - 1;
  const Object* object = store_.object(stack_[top]);
  const bool open_record = object != nullptr && object->kind == ObjectKind::kDict && !object->checked &&
                           store_.looks_like(object->items) != Kind::kNone;
  const bool keyed = top >= at + 2 && stack_[top - 1].kind() == Kind::kText;
  const size_t container = keyed ? top - 2 : top - 1;
  const Kind kind = stack_[container].kind();
  if (open_record || (kind != Kind::kObject && !is_fresh(stack_[container]))) return;
  materialise(container);
  if (keyed) {
    set_from(top - 1);
  } else {
    append_from(top);
  }
}

}  // namespace unfrag::ingest
