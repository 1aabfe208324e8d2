// The stack and the memo of the pickle machine, and what happens to containers on them.
//
// A new container is *fresh*: it has no storage, its stack slot knows its memo entry and the memo entry its slot.
// Most fresh containers are recognised as a whole (a trace entry, a stack of frames) and never get any; the others
// get storage when somebody needs a name for them. Operations return null, or what is wrong with the pickle.
// Threads: one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/chunked.h"
#include "ingest/node_store.h"

namespace unfrag::ingest {

/// What is wrong, or null. Lives: string literals.
using Damage = const char*;

class PickleStack {
 public:
  explicit PickleStack(NodeStore& store) : store_(store) {}

  void push(Value value) { stack_.push_back(value); }
  /// Requires: has(1).
  Value pop() {
    const Value top = stack_.back();
    stack_.pop_back();
    return top;
  }
  [[nodiscard]] bool empty() const { return stack_.empty(); }
  [[nodiscard]] size_t size() const { return stack_.size(); }
  /// Whether `count` values lie above the last mark.
  [[nodiscard]] bool has(size_t count) const { return stack_.size() - floor() >= count; }
  [[nodiscard]] Value top(size_t below = 0) const { return stack_[stack_.size() - 1 - below]; }
  void drop_from(size_t at) { stack_.resize(at); }

  void mark() { marks_.push_back(stack_.size()); }
  /// Takes the last mark away and says where the values above it begin; false without one.
  bool pop_mark(size_t& at);
  /// Puts a fresh container under the values from `at`.
  void insert_fresh(size_t at, Kind kind) {
    stack_.insert(stack_.begin() + static_cast<ptrdiff_t>(at), Value(kind, 0));
  }

  [[nodiscard]] Chunked<Value>& memo() { return memo_; }
  /// The memo entry, if it is there and names something with storage; kNone otherwise, and `get` knows.
  [[nodiscard]] Value memoised(uint64_t index) const {
    return index < memo_.size() && !is_fresh(memo_[index]) ? memo_[index] : Value();
  }
  Damage put(uint64_t index);
  Damage get(uint64_t index);
  /// Pushes the top again.
  void duplicate() { push(materialise(stack_.size() - 1)); }

  /// Appends the values from `at` to the list below them.
  Damage append_from(size_t at);
  /// Puts the keys and values from `at` into the dict below them.
  Damage set_from(size_t at);
  /// Makes the values from `at` a tuple.
  Damage make_tuple(size_t at);

  /// The text broke off: closes what is open from the inside out, as its writer would have, but drops the record
  /// (event, block, frame) that was being written, since it is not known how much of it is missing. Returns the root.
  Value close_open();

 private:
  static bool is_fresh(Value value) { return value.kind() == Kind::kFreshList || value.kind() == Kind::kFreshDict; }
  [[nodiscard]] size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  [[nodiscard]] std::span<const Value> from(size_t at) const { return {stack_.data() + at, stack_.size() - at}; }
  Value materialise(size_t at);
  void replace(size_t at, Value value);
  void close_dict(size_t at);
  void fold(size_t at);
  void fold_top(size_t at);

  NodeStore& store_;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;  // each the height of the stack when it was set
  Chunked<Value> memo_;
};

}  // namespace unfrag::ingest
