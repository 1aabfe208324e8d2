// Containers and numbers of a snapshot being read, and the recognition of what they are.
//
// The pickle machine and the JSON reader hand over complete lists and dicts; those that are frames, stacks, events,
// blocks or annotations become rows of the Trace at once, all others stay here as plain objects. Nothing
// is ever walked recursively, so objects that contain themselves, or share parts a million times, cost what they
// cost once. Threads: one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ingest/value.h"
#include "ingest/words.h"
#include "trace/builder.h"

namespace unfrag::ingest {

/// Sizes from a file at or above this are nonsense and drop what carries them: 256 TiB, which also keeps
/// sums of all the sizes in any real file inside 64 bits.
inline constexpr uint64_t kSizeLimit = uint64_t{1} << 48;

enum class ObjectKind : uint8_t { kList, kTuple, kDict };

/// In the block table until the segment is known: a block whose dict had no address (before 2.1).
inline constexpr uint64_t kNoAddress = UINT64_MAX;
/// A block whose dict had no requested size.
inline constexpr uint64_t kNoRequest = UINT64_MAX;

/// Keys and values of a dict that are looked at when one is searched: the format's own have at most some dozens, and
/// a file can refer to one dict a million times.
inline constexpr size_t kSearchedItems = 1024;
/// Longest text kept of what is only shown: settings, torch.fx notes.
inline constexpr size_t kLongestNote = 4096;

/// A container that is nothing in particular. Dict items are key, value, key, value, ...
struct Object {
  ObjectKind kind = ObjectKind::kList;
  bool checked = false;  ///< Looked at for recognition, which happens once: when another container takes it.
  Value became;          ///< What it was recognised as, else none.
  std::vector<Value> items;
};

/// What the reader noticed on the way, for warnings and the dialect.
struct Observations {
  std::map<std::pair<std::string_view, trace::StringIdx>, uint64_t> unknown_keys;  ///< (record, key) → times
  std::map<trace::StringIdx, uint64_t> unknown_actions;
  uint64_t dropped_events = 0;  ///< without a size or address that makes sense
  uint64_t dropped_blocks = 0;
  uint64_t added_too_late = 0;  ///< items for what was complete already
  bool events_with_pool = false;
  bool events_with_user_metadata = false;
  bool events_with_compile_context = false;
  bool events_with_time = false;
  bool blocks_with_history = false;
};

/// A trace entry whose items are still coming in.
struct EventDraft {
  trace::EventFields fields;
  std::optional<uint64_t> addr;
  std::optional<uint64_t> size;
};

class NodeStore {
 public:
  explicit NodeStore(trace::Builder& builder);

  Value integer(int64_t value) {
    if (value >= Value::kSmallestInt && value <= Value::kLargestInt) return {Kind::kInt, static_cast<uint64_t>(value)};
    return wide_integer(value);
  }
  Value integer_unsigned(uint64_t value);
  Value real(double value);
  Value text(std::string_view bytes);

  /// A complete trace entry: adds its row, or drops it where it makes no sense (then kNone).
  Value add_event(const EventDraft& draft);
  /// The same for an entry whose context is known to be `context`. Requires: an action that has an address.
  Value add_event(const trace::EventFields& fields, trace::ContextIdx context) {
    if (fields.size >= kSizeLimit) {
      ++seen.dropped_events;
      return {};
    }
    return Value::run(Kind::kEvents, builder_.add_event(fields, context), 1);
  }
  /// The action that a text names, kUnknown if none.
  [[nodiscard]] static trace::Action to_action(Value value);
  /// A trace entry's item.
  void set_event_item(EventDraft& draft, Value key, Value value);
  /// A complete stack of `frames`.
  Value stack_of(std::span<const trace::FrameIdx> frames) { return {Kind::kStack, builder_.intern(frames).value()}; }

  /// A complete list, tuple or dict. Recognised if it is one of ours, else a new object.
  Value make_list(std::span<const Value> items, ObjectKind kind = ObjectKind::kList);
  Value make_dict(std::span<const Value> key_values);
  /// An empty container that will grow.
  Value new_object(ObjectKind kind);
  /// Adds to a list or dict. False if `container` is none. What was recognised as complete takes no more: no writer
  /// adds to a container that another one has taken.
  bool append(Value container, std::span<const Value> items);
  /// What `value` is once nobody adds to it any more: objects are recognised, others stay.
  Value seal(Value value);
  /// What a complete dict with these items would be recognised as, without making it: kNone if nothing.
  [[nodiscard]] Kind looks_like(std::span<const Value> key_values) const;

  // Reading. `value` may be anything; what does not fit gives nothing.
  [[nodiscard]] const Object* object(Value value) const;
  [[nodiscard]] Value get(const Object& dict, Word key) const;
  [[nodiscard]] std::optional<uint64_t> to_unsigned(Value value) const {
    if (value.kind() == Kind::kInt && value.small_int() >= 0) return static_cast<uint64_t>(value.small_int());
    if (value.kind() == Kind::kWide && (value.payload() & 1) == 0) return wide_[value.payload() >> 1];
    return std::nullopt;
  }
  /// Streams are raw handles: PyTorch writes them signed, others unsigned; both name the same 64 bits.
  [[nodiscard]] std::optional<int64_t> to_signed(Value value) const {
    if (value.kind() == Kind::kInt) return value.small_int();
    if (value.kind() == Kind::kWide) return static_cast<int64_t>(wide_[value.payload() >> 1]);
    return std::nullopt;
  }
  [[nodiscard]] std::optional<double> to_real(Value value) const;
  [[nodiscard]] static std::optional<bool> to_bool(Value value);
  [[nodiscard]] static std::optional<trace::StringIdx> to_text(Value value) {
    if (value.kind() != Kind::kText) return std::nullopt;
    return trace::StringIdx(value.index());
  }
  [[nodiscard]] std::optional<trace::PoolId> to_pool(Value value) const;
  [[nodiscard]] trace::StackIdx to_stack(Value value);

  [[nodiscard]] trace::Builder& builder() { return builder_; }
  Observations seen;

 private:
  std::optional<Value> recognise_list(std::span<const Value> items, ObjectKind kind);
  std::optional<Value> recognise_dict(std::span<const Value> key_values);
  Value make_block(std::span<const Value> key_values);
  Value make_frame(std::span<const Value> key_values);
  Value make_annotation(std::span<const Value> key_values);
  void read_context(Word key, Value value, trace::EventContext& context);
  void read_history(Value history, trace::BlockFields& block);
  trace::FrameIdx to_frame(Value value);
  void push_sealed(uint64_t object, Value item);
  void extend_dict(uint64_t object, std::span<const Value> key_values);
  uint32_t wide_index(uint64_t bits);
  Value wide_integer(int64_t value);
  void note_unknown(std::string_view record, Value key);

  trace::Builder& builder_;
  std::deque<Object> objects_;  // the first three are the empty containers that nobody can add to
  std::vector<uint64_t> wide_;  // integers beyond 56 bits, and doubles as bits
  std::vector<uint32_t> wide_cache_;
  std::vector<trace::FrameIdx> frame_scratch_;
  std::array<trace::StringIdx, 16> recent_texts_{};  // strings that come with every entry, like "N/A"
};

}  // namespace unfrag::ingest
