#include "ingest/event_parser.h"

#include <algorithm>
#include <cstring>

#include "ingest/pickle_ops.h"

namespace unfrag::ingest {
namespace {

// More than an item without text or stack takes: a key (5), a LONG1 (10), a tuple of two small integers (6).
constexpr ptrdiff_t kItemRoom = 32;
constexpr size_t kLongestRemembered = 1 << 15;

/// memcmp for the short runs between values. Requires: 8 readable bytes behind both.
bool same_bytes(const unsigned char* a, const unsigned char* b, size_t length) {
  for (; length >= 8; a += 8, b += 8, length -= 8) {
    if (op::load<uint64_t>(a) != op::load<uint64_t>(b)) return false;
  }
  return length == 0 || (op::load<uint64_t>(a) ^ op::load<uint64_t>(b)) << (64 - 8 * length) == 0;
}

/// Reads an integer that is not negative and below 2^56; null if there is none.
inline const unsigned char* parse_unsigned(const unsigned char* at, uint64_t& value) {
  switch (*at) {
    case op::kLong1: {
      const size_t length = at[1];
      if (length == 0 || length > 8) return nullptr;
      const int64_t integer = op::load_long(at + 2, length);
      value = static_cast<uint64_t>(integer);
      return integer < 0 || integer > Value::kLargestInt ? nullptr : at + 2 + length;
    }
    case op::kBinInt: value = op::load<uint32_t>(at + 1); return value > INT32_MAX ? nullptr : at + 5;
    case op::kBinInt2: value = op::load<uint16_t>(at + 1); return at + 3;
    case op::kBinInt1: value = at[1]; return at + 2;
    default: return nullptr;
  }
}

}  // namespace

StackMemory::Match StackMemory::recall(std::span<const unsigned char> bytes) {
  if (last_ == kNone) return {};
  for (const uint32_t index : entries_[last_].successors) {
    if (index == kNone) break;
    const Entry& entry = entries_[index];
    if (entry.bytes.size() > bytes.size()) continue;
    if (std::memcmp(entry.bytes.data(), bytes.data(), entry.bytes.size()) != 0) continue;
    const Match match{entry.stack, entry.bytes.size()};
    follow(index);
    return match;
  }
  return {};
}

void StackMemory::remember(std::span<const unsigned char> bytes, Value stack) {
  if (bytes.size() > kLongestRemembered) return;
  if (stack.index() >= entry_of_stack_.size()) entry_of_stack_.resize(stack.index() + 1, kNone);
  uint32_t& index = entry_of_stack_[stack.index()];
  if (index == kNone) {
    index = static_cast<uint32_t>(entries_.size());
    entries_.push_back({.bytes = {}, .stack = stack, .successors = {}});
    entries_.back().successors.fill(kNone);
  }
  Entry& entry = entries_[index];
  if (!std::ranges::equal(entry.bytes, bytes)) {
    // Equal frames can be spelled by other references; a few spellings are worth their memory, many are not.
    if (!entry.bytes.empty() && bytes.size() > entry.bytes.size()) return follow(index);
    entry.bytes = arena_.store(bytes);
  }
  follow(index);
}

// Moves `entry` to the front of what came after the last one.
void StackMemory::follow(uint32_t entry) {
  if (last_ != kNone) {
    auto& successors = entries_[last_].successors;
    const auto found = std::ranges::find(successors, entry);
    const auto end = found == successors.end() ? found - 1 : found;
    std::move_backward(successors.begin(), end, end + 1);
    successors.front() = entry;
  }
  last_ = entry;
}

const unsigned char* EventParser::parse(const unsigned char* at, const unsigned char* end, Value& event) {
  const size_t memo_size = memo_.size();
  if (const unsigned char* const behind = parse_by_form(at, end, event)) return behind;
  memo_.shrink(memo_size);
  if (end - at < kItemRoom) return nullptr;

  bool memoised = false;
  const unsigned char* next = parse_memoise(at, {}, memoised);  // the row is not known yet: its place is kept
  EventDraft draft;
  next = *next == op::kMark ? parse_items(next + 1, end, draft) : nullptr;
  if (next == nullptr) {
    memo_.shrink(memo_size);
    return nullptr;
  }
  event = store_.add_event(draft);
  if (event.kind() == Kind::kEvents) learn(at, next, memo_size);
  if (memoised) memo_[memo_size] = event;
  return next;
}

const unsigned char* EventParser::parse_by_form(const unsigned char* at, const unsigned char* end, Value& event) {
  // Enough for all that stays and every integer; lists look for themselves.
  const size_t room = form_.byte_count + EventForm::kMostSteps * 10 + kItemRoom;
  if (form_.step_count == 0 || static_cast<size_t>(end - at) < room) return nullptr;
  const size_t slot = memo_.size();
  trace::EventFields fields;
  uint64_t time = 0;
  for (size_t i = 0; i < form_.step_count && at != nullptr; ++i) {
    const EventForm::Step& step = form_.steps[i];
    if (!same_bytes(at, form_.bytes.data() + step.first_byte, step.byte_count)) return nullptr;
    at += step.byte_count;
    for (size_t m = 0; m < step.memoised_count; ++m) memo_.push_back(form_.memoised[step.first_memoised + m]);
    switch (step.varying) {
      case EventForm::kAction: {
        Value action;
        at = parse_reference(at, action);
        fields.action = NodeStore::to_action(action);
        if (fields.action > trace::Action::kSegmentUnmap) return nullptr;
        break;
      }
      case EventForm::kAddr: at = parse_unsigned(at, fields.addr); break;
      case EventForm::kSize: at = parse_unsigned(at, fields.size); break;
      case EventForm::kTime:
        at = parse_unsigned(at, time);
        fields.time_us = static_cast<int64_t>(time);
        break;
      case EventForm::kFrames:
        at = parse_frames(at, end, fields.stack);
        if (at != nullptr && static_cast<size_t>(end - at) < room) return nullptr;
        break;
      case EventForm::kEnd:
        event = store_.add_event(fields, form_.context);
        if (form_.steps[0].memoised_count > 0) memo_[slot] = event;
        return at;
    }
  }
  return nullptr;
}

const unsigned char* EventParser::parse_frames(const unsigned char* at, const unsigned char* end,
                                               trace::StackIdx& stack) {
  Value value;
  at = *at == op::kEmptyList ? parse_list(at + 1, end, value) : parse_reference(at, value);
  if (value.kind() != Kind::kStack) return nullptr;
  stack = trace::StackIdx(value.index());
  return at;
}

const unsigned char* EventParser::parse_items(const unsigned char* at, const unsigned char* end, EventDraft& draft) {
  constexpr Value kActionKey(Kind::kText, static_cast<uint64_t>(Word::action));
  items_.clear();
  while (true) {
    if (end - at < kItemRoom) return nullptr;
    if (*at == op::kSetItems) return items_.empty() ? nullptr : at + 1;
    Item item{};
    at = parse_reference(at, item.key);
    // `action` comes first in every release; another dict is not for us.
    if (at == nullptr || item.key.kind() != Kind::kText || (items_.empty() && item.key != kActionKey)) return nullptr;
    item.value = at;
    item.memo_size = memo_.size();
    Value value;
    at = parse_value(at, end, value);
    if (at == nullptr) return nullptr;
    item.end = at;
    items_.push_back(item);
    store_.set_event_item(draft, item.key, value);
  }
}

bool EventForm::add(std::span<const unsigned char> same, std::span<const Value> put, Varying varying) {
  if (step_count == kMostSteps || byte_count + same.size() > kMostBytes) return false;
  if (memoised_count + put.size() > kMostMemoised) return false;
  steps[step_count++] = {.first_byte = static_cast<uint16_t>(byte_count),
                         .byte_count = static_cast<uint16_t>(same.size()),
                         .first_memoised = static_cast<uint8_t>(memoised_count),
                         .memoised_count = static_cast<uint8_t>(put.size()),
                         .varying = varying};
  std::ranges::copy(same, bytes.begin() + static_cast<ptrdiff_t>(byte_count));
  std::ranges::copy(put, memoised.begin() + static_cast<ptrdiff_t>(memoised_count));
  byte_count += same.size();
  memoised_count += put.size();
  return true;
}

// Splits the entry that lies in [begin, end) into what stays and what varies.
void EventParser::learn(const unsigned char* begin, const unsigned char* end, size_t memo_size) {
  EventForm form;
  form.context = store_.builder().trace.events.context.back();
  form_.step_count = 0;
  std::vector<Value> put;
  const auto add_step = [&](const unsigned char* until, size_t memo_until, EventForm::Varying varying) {
    put.clear();
    for (size_t i = memo_size; i < memo_until; ++i) put.push_back(memo_[i]);
    return form.add({begin, until}, put, varying);
  };
  for (size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    EventForm::Varying varying = EventForm::kEnd;
    switch (word_of(item.key.index())) {
      case Word::action: varying = EventForm::kAction; break;
      case Word::addr: varying = EventForm::kAddr; break;
      case Word::size: varying = EventForm::kSize; break;
      case Word::time_us: varying = EventForm::kTime; break;
      case Word::frames: varying = EventForm::kFrames; break;
      case Word::kEmpty:
      case Word::device_free: return;  // unknown keys are counted, out-of-memory entries are few
      default: continue;
    }
    if (!add_step(item.value, item.memo_size, varying)) return;
    begin = item.end;
    memo_size = i + 1 < items_.size() ? items_[i + 1].memo_size : memo_.size();
  }
  if (add_step(end, memo_.size(), EventForm::kEnd)) form_ = form;
}

const unsigned char* EventParser::parse_reference(const unsigned char* at, Value& value) const {
  uint32_t index = 0;
  if (*at == op::kLongBinGet) {
    index = op::load<uint32_t>(at + 1);
    at += 5;
  } else if (*at == op::kBinGet) {
    index = at[1];
    at += 2;
  } else {
    return nullptr;
  }
  if (index >= memo_.size()) return nullptr;
  value = memo_[index];
  const bool complete = value.kind() != Kind::kNone && value.kind() < Kind::kFreshList;
  return complete ? at : nullptr;
}

const unsigned char* EventParser::parse_memoise(const unsigned char* at, Value value, bool& memoised) {
  size_t length = 0;
  if (*at == op::kMemoize) length = 1;
  if (*at == op::kBinPut && at[1] == memo_.size()) length = 2;
  if (*at == op::kLongBinPut && op::load<uint32_t>(at + 1) == memo_.size()) length = 5;
  memoised = length != 0;
  if (memoised) memo_.push_back(value);
  return at + length;
}

const unsigned char* EventParser::parse_value(const unsigned char* at, const unsigned char* end, Value& value) {
  switch (*at) {
    case op::kBinGet:
    case op::kLongBinGet: return parse_reference(at, value);
    case op::kBinInt1: {
      const uint64_t first = at[1];
      value = Value(Kind::kInt, first);
      if (at[2] != op::kBinInt1 || at[4] != op::kTuple2) return at + 2;
      value = Value(Kind::kPair, first << 28 | at[3]);  // a pool id
      bool memoised = false;
      return parse_memoise(at + 5, value, memoised);
    }
    case op::kShortBinUnicode: return parse_text(at + 1, end, value);
    case op::kEmptyList: return parse_list(at + 1, end, value);
    default: return parse_integer(at, value);
  }
}

const unsigned char* EventParser::parse_integer(const unsigned char* at, Value& value) {
  switch (*at) {
    case op::kBinInt1: value = Value(Kind::kInt, at[1]); return at + 2;
    case op::kBinInt2: value = Value(Kind::kInt, op::load<uint16_t>(at + 1)); return at + 3;
    case op::kBinInt: value = store_.integer(static_cast<int32_t>(op::load<uint32_t>(at + 1))); return at + 5;
    case op::kLong1:
      if (at[1] > 8) return nullptr;
      value = store_.integer(op::load_long(at + 2, at[1]));
      return at + 2 + at[1];
    default: return nullptr;
  }
}

const unsigned char* EventParser::parse_text(const unsigned char* at, const unsigned char* end, Value& value) {
  const size_t length = *at++;
  if (end - at < static_cast<ptrdiff_t>(length) + kItemRoom) return nullptr;
  value = store_.text({reinterpret_cast<const char*>(at), length});
  bool memoised = false;
  return parse_memoise(at + length, value, memoised);
}

const unsigned char* EventParser::parse_list(const unsigned char* at, const unsigned char* end, Value& value) {
  const size_t slot = memo_.size();
  bool memoised = false;
  value = Value(Kind::kStack, trace::kEmptyStack.value());
  at = parse_memoise(at, value, memoised);
  if (*at == op::kMark) {
    at = parse_stack(at + 1, end, value);
  } else if (Value frame;
             (*at == op::kBinGet || *at == op::kLongBinGet) && at[*at == op::kBinGet ? 2 : 5] == op::kAppend) {
    at = parse_reference(at, frame);
    if (at == nullptr || frame.kind() != Kind::kFrame) return nullptr;
    const trace::FrameIdx only(frame.index());
    value = store_.stack_of({&only, 1});
    ++at;  // the APPEND
  }
  if (at != nullptr && memoised) memo_[slot] = value;
  return at;
}

// References to frames up to their APPENDS.
const unsigned char* EventParser::parse_stack(const unsigned char* at, const unsigned char* end, Value& value) {
  const std::span<const unsigned char> bytes(at, end);
  if (const StackMemory::Match match = stacks_.recall(bytes); match.length != 0) {
    value = match.stack;
    return at + match.length;
  }
  frames_.clear();
  const unsigned char* next = at;
  while (*next != op::kAppends) {
    Value frame;
    if (end - next < kItemRoom) return nullptr;
    next = parse_reference(next, frame);
    if (next == nullptr || frame.kind() != Kind::kFrame) return nullptr;
    frames_.emplace_back(frame.index());
  }
  ++next;
  // A full batch of 1,000 may be followed by another, which adds to the list: the machine knows how.
  if (frames_.empty() || frames_.size() >= 1000) return nullptr;
  value = store_.stack_of(frames_);
  stacks_.remember(bytes.first(static_cast<size_t>(next - at)), value);
  return next;
}

}  // namespace unfrag::ingest
