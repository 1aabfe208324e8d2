// NodeStore, part 2: which dicts and lists are frames, stacks, events, blocks and annotations.
#include <algorithm>

#include "ingest/node_store.h"

namespace unfrag::ingest {
namespace {

constexpr uint64_t kPairHalfLimit = uint64_t{1} << 28;

constexpr size_t kHistoryItems = 32;  // keys and values; a longer one is no history entry

constexpr uint64_t bit(Word word) { return uint64_t{1} << static_cast<uint32_t>(word); }
static_assert(static_cast<uint32_t>(Word::stage) < 64, "recognition keeps the keys of records in 64 bits");

constexpr uint64_t kBlockKeys = bit(Word::state) | bit(Word::size);
constexpr uint64_t kFrameKeys = bit(Word::name) | bit(Word::filename);
constexpr uint64_t kAnnotationKeys = bit(Word::name) | bit(Word::stage);

Word key_of(Value key) { return key.kind() == Kind::kText ? word_of(key.index()) : Word::kEmpty; }

uint64_t keys_of(std::span<const Value> key_values) {
  uint64_t keys = 0;
  for (size_t i = 0; i + 1 < key_values.size(); i += 2) {
    const auto word = static_cast<uint32_t>(key_of(key_values[i]));
    if (word < 64) keys |= uint64_t{1} << word;
  }
  return keys;
}

trace::Action action_of(Word word) {
  switch (word) {
    case Word::alloc: return trace::Action::kAlloc;
    case Word::free_requested: return trace::Action::kFreeRequested;
    case Word::free_completed: return trace::Action::kFreeCompleted;
    case Word::segment_alloc: return trace::Action::kSegmentAlloc;
    case Word::segment_free: return trace::Action::kSegmentFree;
    case Word::segment_map: return trace::Action::kSegmentMap;
    case Word::segment_unmap: return trace::Action::kSegmentUnmap;
    case Word::oom: return trace::Action::kOom;
    case Word::snapshot: return trace::Action::kSnapshot;
    case Word::annotate: return trace::Action::kAnnotate;
    case Word::user_defined: return trace::Action::kUserDefined;
    default: return trace::Action::kUnknown;
  }
}

trace::BlockState state_of(Word word) {
  if (word == Word::active_allocated) return trace::BlockState::kAllocated;
  // PyTorch's docstring says active_awaiting_free, its code writes active_pending_free.
  if (word == Word::active_pending_free || word == Word::active_awaiting_free) return trace::BlockState::kPendingFree;
  return trace::BlockState::kInactive;
}

}  // namespace

Kind NodeStore::looks_like(std::span<const Value> key_values) const {
  if (!key_values.empty() && key_of(key_values[0]) == Word::action) return Kind::kEvents;
  const uint64_t keys = keys_of(key_values);
  if ((keys & bit(Word::action)) != 0) return Kind::kEvents;
  if ((keys & kBlockKeys) == kBlockKeys) return Kind::kBlocks;
  if ((keys & kFrameKeys) == kFrameKeys) return Kind::kFrame;
  if ((keys & kAnnotationKeys) == kAnnotationKeys) return Kind::kAnnotations;
  return Kind::kNone;
}

std::optional<Value> NodeStore::recognise_dict(std::span<const Value> key_values) {
  switch (looks_like(key_values)) {
    case Kind::kEvents: return make_event(key_values);
    case Kind::kBlocks: return make_block(key_values);
    case Kind::kFrame: return make_frame(key_values);
    case Kind::kAnnotations: return make_annotation(key_values);
    default: return std::nullopt;
  }
}

std::optional<Value> NodeStore::recognise_list(std::span<const Value> items, ObjectKind kind) {
  if (items.empty()) return std::nullopt;
  if (items[0].kind() == Kind::kFrame) {
    frame_scratch_.resize(items.size());
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].kind() != Kind::kFrame) return std::nullopt;
      frame_scratch_[i] = trace::FrameIdx(items[i].index());
    }
    return Value(Kind::kStack, builder_.intern(frame_scratch_).value());
  }
  if (kind == ObjectKind::kTuple && items.size() == 2) {
    const auto first = to_unsigned(items[0]);
    const auto second = to_unsigned(items[1]);
    if (first && second && *first < kPairHalfLimit && *second < kPairHalfLimit) {
      return Value(Kind::kPair, *first << 28 | *second);
    }
  }
  return std::nullopt;
}

Value NodeStore::make_event(std::span<const Value> key_values) {
  trace::EventFields event;
  std::optional<uint64_t> addr;
  std::optional<uint64_t> size;
  for (size_t i = 0; i + 1 < key_values.size(); i += 2) {
    const Value value = key_values[i + 1];
    switch (const Word key = key_of(key_values[i])) {
      case Word::action: {
        const Word word = value.kind() == Kind::kText ? word_of(value.index()) : Word::kEmpty;
        event.action = action_of(word);
        if (event.action == trace::Action::kUnknown) ++seen.unknown_actions[to_text(value).value_or(trace::kEmptyString)];
        break;
      }
      case Word::addr:
      case Word::device_free: addr = to_unsigned(value); break;
      case Word::size: size = to_unsigned(value); break;
      case Word::frames: event.stack = to_stack(value); break;
      case Word::time_us:
        event.time_us = to_signed(value).value_or(trace::kNoTime);
        seen.events_with_time = true;
        break;
      case Word::stream: event.context.stream = to_signed(value).value_or(0); break;
      case Word::kEmpty: note_unknown("trace entries", key_values[i]); break;
      default: read_context(key, value, event.context); break;
    }
  }
  const bool needs_addr = event.action <= trace::Action::kSegmentUnmap;
  if (!size || *size >= kSizeLimit || (needs_addr && !addr)) {
    ++seen.dropped_events;
    return {};
  }
  event.addr = addr.value_or(0);
  event.size = *size;
  return Value::run(Kind::kEvents, builder_.add_event(event), 1);
}

void NodeStore::read_context(Word key, Value value, trace::EventContext& context) {
  switch (key) {
    case Word::compile_context:
      context.compile_context = to_text(value).value_or(trace::kEmptyString);
      seen.events_with_compile_context = true;
      break;
    case Word::user_metadata:
      context.user_metadata = to_text(value).value_or(trace::kEmptyString);
      seen.events_with_user_metadata = true;
      break;
    case Word::pool_id:
      if (const auto pool = to_pool(value)) {
        context.pool = *pool;
        context.has_pool = true;
        seen.events_with_pool = true;
      }
      break;
    case Word::internal_metadata: context.internal_metadata = to_text(value).value_or(trace::kEmptyString); break;
    case Word::category: context.category = to_text(value).value_or(trace::kEmptyString); break;
    case Word::forward_frames: context.forward_stack = to_stack(value); break;
    default: break;  // cpp_frames of 2.0 repeat what `frames` says; other words mean nothing here
  }
}

Value NodeStore::make_block(std::span<const Value> key_values) {
  trace::BlockFields block;
  std::optional<uint64_t> size;
  std::optional<uint64_t> requested;
  std::optional<uint64_t> addr;
  Value history;
  for (size_t i = 0; i + 1 < key_values.size(); i += 2) {
    const Value value = key_values[i + 1];
    switch (key_of(key_values[i])) {
      case Word::address: addr = to_unsigned(value); break;
      case Word::size: size = to_unsigned(value); break;
      case Word::requested_size: requested = to_unsigned(value); break;
      case Word::state: block.state = state_of(key_of(value)); break;
      case Word::frames: block.stack = to_stack(value); break;
      case Word::forward_frames: block.forward_stack = to_stack(value); break;
      case Word::user_metadata: block.user_metadata = to_text(value).value_or(trace::kEmptyString); break;
      case Word::history: history = value; break;
      case Word::kEmpty: note_unknown("blocks", key_values[i]); break;
      default: break;
    }
  }
  if (!size || *size >= kSizeLimit) {
    ++seen.dropped_blocks;
    return {};
  }
  block.size = *size;
  block.addr = addr.value_or(kNoAddress);
  block.requested = requested.value_or(kNoRequest);
  read_history(history, block);
  if (block.requested == kNoRequest || block.requested > block.size) block.requested = block.size;
  return Value::run(Kind::kBlocks, builder_.add_block(block), 1);
}

// 1.13 and 2.0: the newest allocation at the block's start comes first and says what later releases put in the block.
void NodeStore::read_history(Value history, trace::BlockFields& block) {
  const Object* entries = object(seal(history));
  if (entries == nullptr || entries->kind == ObjectKind::kDict || entries->items.empty()) return;
  const Object* newest = object(entries->items.front());
  if (newest == nullptr || newest->items.size() > kHistoryItems) return;
  seen.blocks_with_history = true;
  if (block.requested == kNoRequest) block.requested = to_unsigned(get(*newest, Word::real_size)).value_or(kNoRequest);
  if (block.stack == trace::kEmptyStack) block.stack = to_stack(get(*newest, Word::frames));
}

Value NodeStore::make_frame(std::span<const Value> key_values) {
  trace::Frame frame{.name = trace::kEmptyString, .filename = trace::kEmptyString};
  std::string extra;
  for (size_t i = 0; i + 1 < key_values.size(); i += 2) {
    const Value value = key_values[i + 1];
    const auto text_value = to_text(value);
    switch (const Word key = key_of(key_values[i])) {
      case Word::name: frame.name = text_value.value_or(trace::kEmptyString); break;
      case Word::filename: frame.filename = text_value.value_or(trace::kEmptyString); break;
      case Word::line: frame.line = static_cast<uint32_t>(std::min<uint64_t>(to_unsigned(value).value_or(0), UINT32_MAX)); break;
      case Word::kEmpty: note_unknown("frames", key_values[i]); break;
      default:
        if (!text_value) break;
        extra.append(kWords[static_cast<size_t>(key)]).append("=");
        extra.append(builder_.trace.strings[*text_value]).append("\n");
    }
  }
  if (!extra.empty()) frame.extra = builder_.intern(extra);
  return {Kind::kFrame, builder_.intern(frame).value()};
}

Value NodeStore::make_annotation(std::span<const Value> key_values) {
  trace::Annotation annotation;
  for (size_t i = 0; i + 1 < key_values.size(); i += 2) {
    const Value value = key_values[i + 1];
    switch (key_of(key_values[i])) {
      case Word::name: annotation.name = to_text(value).value_or(trace::kEmptyString); break;
      case Word::stage:
        if (key_of(value) == Word::START) annotation.stage = trace::Stage::kStart;
        if (key_of(value) == Word::END) annotation.stage = trace::Stage::kEnd;
        break;
      case Word::device: annotation.device = static_cast<int>(to_signed(value).value_or(0)); break;
      case Word::time_us: annotation.time_us = to_signed(value).value_or(trace::kNoTime); break;
      default: break;
    }
  }
  builder_.trace.annotations.push_back(annotation);
  return Value::run(Kind::kAnnotations, static_cast<uint32_t>(builder_.trace.annotations.size() - 1), 1);
}

// A frame, or a line of text that stands for one (forward_frames).
trace::FrameIdx NodeStore::to_frame(Value value) {
  if (value.kind() == Kind::kFrame) return trace::FrameIdx(value.index());
  const trace::Frame frame{.name = to_text(value).value_or(trace::kEmptyString), .filename = trace::kEmptyString};
  return builder_.intern(frame);
}

trace::StackIdx NodeStore::to_stack(Value value) {
  if (value.kind() == Kind::kFreshList) return trace::kEmptyStack;
  value = seal(value);
  if (value.kind() == Kind::kStack) return trace::StackIdx(value.index());
  const Object* list = object(value);
  if (list == nullptr || list->kind == ObjectKind::kDict || list->items.empty()) return trace::kEmptyStack;
  frame_scratch_.clear();
  for (const Value item : list->items) frame_scratch_.push_back(to_frame(item));
  const trace::StackIdx stack = builder_.intern(frame_scratch_);
  objects_[value.payload()].became = Value(Kind::kStack, stack.value());  // a list shared by many is walked once
  return stack;
}

void NodeStore::note_unknown(std::string_view record, Value key) {
  if (const auto name = to_text(key)) ++seen.unknown_keys[{record, *name}];
}

}  // namespace unfrag::ingest
