// Builds a Trace: appends rows and stores each distinct string, frame, stack and context once.
//
// The lookup tables live here and not in the Trace, so that they are gone when the Trace is done.
// Threads: one thread.
#pragma once

#include <tsl/robin_set.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>

#include "trace/trace.h"

namespace unfrag::trace {

/// Everything a trace entry says, before it is put into columns.
struct EventFields {
  Action action = Action::kUnknown;
  uint64_t addr = 0;
  uint64_t size = 0;
  int64_t time_us = kNoTime;
  StackIdx stack = kEmptyStack;
  EventContext context{};
};

/// Everything a snapshot says of one block.
struct BlockFields {
  uint64_t addr = 0;
  uint64_t size = 0;
  uint64_t requested = 0;
  BlockState state = BlockState::kInactive;
  StackIdx stack = kEmptyStack;
  StackIdx forward_stack = kEmptyStack;
  StringIdx user_metadata = kEmptyString;
};

size_t hash_of(std::string_view text);
size_t hash_of(const Frame& frame);
size_t hash_of(std::span<const FrameIdx> stack);
size_t hash_of(const EventContext& context);

class Builder {
 public:
  Builder();
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  StringIdx intern(std::string_view text) { return strings_.find_or_add(trace.strings, text); }
  FrameIdx intern(const Frame& frame) { return frames_.find_or_add(trace.frames, frame); }
  StackIdx intern(std::span<const FrameIdx> stack) { return stacks_.find_or_add(trace.stacks, stack); }
  ContextIdx intern(const EventContext& context);

  /// Appends a row and returns its index. Requires: fewer than 2^32 - 1 rows.
  uint32_t add_event(const EventFields& event) { return add_event(event, intern(event.context)); }
  /// The same with `event.context` interned already.
  uint32_t add_event(const EventFields& event, ContextIdx context) {
    EventTable& table = trace.events;
    // All columns are equally long and so full at once; the time column is, where it is as long as the others.
    if (table.action.is_full() || table.time_us.size() != table.action.size()) return add_event_slowly(event, context);
    const auto row = static_cast<uint32_t>(table.size_rows());
    table.action.push_back_here(event.action);
    table.addr.push_back_here(event.addr);
    table.size.push_back_here(event.size);
    table.time_us.push_back_here(event.time_us);
    table.stack.push_back_here(event.stack);
    table.context.push_back_here(context);
    return row;
  }
  uint32_t add_block(const BlockFields& block);
  /// Appends a copy of an existing row, for tables whose rows did not come in order.
  uint32_t copy_event(uint32_t row);
  uint32_t copy_block(uint32_t row);

  Trace trace;

 private:
  uint32_t add_event_slowly(const EventFields& event, ContextIdx context);

  /// A set of indices into a table, hashed and compared by what they name and looked up by the thing itself.
  template <class Table, class Idx, class View>
  class IndexSet {
   public:
    explicit IndexSet(const Table& table) : set_(0, Hash{&table}, Equal{&table}) {}
    Idx find_or_add(Table& table, View view) {
      const size_t hash = hash_of(view);
      if (const auto it = set_.find(view, hash); it != set_.end()) return *it;
      const Idx idx = table.append(view);
      set_.insert(idx);
      return idx;
    }

    /// Makes what the table holds already findable.
    void add_existing(Idx idx) { set_.insert(idx); }

   private:
    struct Hash {
      const Table* table;
      size_t operator()(View view) const { return hash_of(view); }
      size_t operator()(Idx idx) const { return hash_of((*table)[idx]); }
    };
    struct Equal {
      using is_transparent = void;
      const Table* table;
      bool operator()(Idx a, Idx b) const { return a == b; }
      bool operator()(View view, Idx idx) const { return same(view, (*table)[idx]); }
      bool operator()(Idx idx, View view) const { return same(view, (*table)[idx]); }
    };
    static bool same(std::span<const FrameIdx> a, std::span<const FrameIdx> b) {
      return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }
    template <class T>
    static bool same(const T& a, const T& b) {
      return a == b;
    }
    tsl::robin_set<Idx, Hash, Equal, std::allocator<Idx>, true> set_;
  };

  IndexSet<TextTable, StringIdx, std::string_view> strings_;
  IndexSet<FrameTable, FrameIdx, const Frame&> frames_;
  IndexSet<StackTable, StackIdx, std::span<const FrameIdx>> stacks_;
  IndexSet<RowTable<EventContext, ContextIdx>, ContextIdx, const EventContext&> contexts_;
  ContextIdx last_context_;
};

}  // namespace unfrag::trace
