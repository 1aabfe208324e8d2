// The usual trace entry, read in one go: the machine's short cut, with the same result.
//
// CPython pickles an entry as EMPTY_DICT MEMOIZE MARK (key value)... SETITEMS, keys being references to the memo. That
// form is decoded straight into a row, without the stack; and since most bytes of an entry are those of the entry
// before it, what is learned from one is compared with the next as a whole:
//
//     94 ( action | h 7 | addr | 8a 06 ...  | size | J ...  | stream K 0 time_us 8a 07 | ....... | ... frames | ] ... |
//     u same bytes    varies  same    varies    same   varies   same bytes                 varies    same bytes varies
//     same
//
// Whatever does not fit makes the parser give up, as if it had not looked, and the machine executes the opcodes one
// by one. A test reads every recording both ways.
// Measured (bench/run.py read): 3 to 4 times the entries a second of the machine alone.
// Threads: one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/arena.h"
#include "base/chunked.h"
#include "ingest/node_store.h"

namespace unfrag::ingest {

/// Stacks by the bytes that spelled them: the same references spell the same stack, and after one stack mostly
/// comes one of the few that came after it before.
class StackMemory {
 public:
  struct Match {
    Value stack;  ///< kNone if it is not a remembered one.
    size_t length = 0;
  };
  /// The stack that the bytes at `bytes` spell, up to and with their APPENDS.
  Match recall(std::span<const unsigned char> bytes);
  /// Remembers it as what came after the last one.
  void remember(std::span<const unsigned char> bytes, Value stack);
  /// The memo has changed under the references.
  void forget() { *this = StackMemory(); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kSuccessors = 12;
  struct Entry {
    std::span<const unsigned char> bytes;
    Value stack;
    std::array<uint32_t, kSuccessors> successors;  // the latest first
  };
  void follow(uint32_t entry);

  Arena<unsigned char> arena_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> entry_of_stack_;
  uint32_t last_ = kNone;
};

/// What an entry has in common with the next ones: alternately bytes that stay and a value that varies.
struct EventForm {
  enum Varying : uint8_t { kAction, kAddr, kSize, kTime, kFrames, kEnd };
  /// Bytes that stay (keys, and items that are the same in every entry), then a value that varies.
  struct Step {
    uint16_t first_byte = 0;
    uint16_t byte_count = 0;
    uint8_t first_memoised = 0;  ///< What the bytes put in the memo.
    uint8_t memoised_count = 0;
    Varying varying = kEnd;  ///< kEnd: no value, the entry is complete.
  };
  static constexpr size_t kMostSteps = 8;
  static constexpr size_t kMostBytes = 512;
  static constexpr size_t kMostMemoised = 8;
  static constexpr size_t kPad = 8;  // same_bytes may read, never compare, that far beyond

  std::array<Step, kMostSteps> steps{};
  size_t step_count = 0;  ///< 0: nothing learned.
  std::array<unsigned char, kMostBytes + kPad> bytes{};
  size_t byte_count = 0;
  std::array<Value, kMostMemoised> memoised{};
  size_t memoised_count = 0;
  trace::ContextIdx context;

  /// Adds a step; false where it is more than a form holds.
  bool add(std::span<const unsigned char> same, std::span<const Value> put, Varying varying);
};

class EventParser {
 public:
  EventParser(NodeStore& store, Chunked<Value>& memo) : store_(store), memo_(memo) {}

  /// Tries to read an entry at `at`, just behind its EMPTY_DICT. On success `event` is its row and the position behind
  /// its SETITEMS is returned; else null, and nothing has changed.
  const unsigned char* parse(const unsigned char* at, const unsigned char* end, Value& event);

  /// The memo has changed under references that were learned.
  void memo_changed() {
    stacks_.forget();
    form_.step_count = 0;
  }

 private:
  /// Where an item lay, for learning.
  struct Item {
    Value key;
    const unsigned char* value;
    const unsigned char* end;
    size_t memo_size;  ///< Before its value was read.
  };

  const unsigned char* parse_by_form(const unsigned char* at, const unsigned char* end, Value& event);
  const unsigned char* parse_frames(const unsigned char* at, const unsigned char* end, trace::StackIdx& stack);
  const unsigned char* parse_items(const unsigned char* at, const unsigned char* end, EventDraft& draft);
  void learn(const unsigned char* begin, const unsigned char* end, size_t memo_size);
  const unsigned char* parse_value(const unsigned char* at, const unsigned char* end, Value& value);
  const unsigned char* parse_integer(const unsigned char* at, Value& value);
  const unsigned char* parse_text(const unsigned char* at, const unsigned char* end, Value& value);
  const unsigned char* parse_list(const unsigned char* at, const unsigned char* end, Value& value);
  const unsigned char* parse_stack(const unsigned char* at, const unsigned char* end, Value& value);
  /// Reads a reference (BINGET, LONG_BINGET) to something complete; null if there is none.
  const unsigned char* parse_reference(const unsigned char* at, Value& value) const;
  /// Reads MEMOIZE or a BINPUT of the next index, or nothing (`memoised` false).
  const unsigned char* parse_memoise(const unsigned char* at, Value value, bool& memoised);

  NodeStore& store_;
  Chunked<Value>& memo_;
  StackMemory stacks_;
  EventForm form_;
  std::vector<Item> items_;
  std::vector<trace::FrameIdx> frames_;
};

}  // namespace unfrag::ingest
