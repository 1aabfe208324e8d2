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

// By table, not by switch: the action changes from entry to entry, and a jump would mostly be mispredicted.
constexpr auto kActions = [] {
  std::array<trace::Action, static_cast<size_t>(Word::kCount)> actions{};
  actions.fill(trace::Action::kUnknown);
  const auto set = [&](Word word, trace::Action action) { actions[static_cast<size_t>(word)] = action; };
  set(Word::alloc, trace::Action::kAlloc);
  set(Word::free_requested, trace::Action::kFreeRequested);
  set(Word::free_completed, trace::Action::kFreeCompleted);
  set(Word::segment_alloc, trace::Action::kSegmentAlloc);
  set(Word::segment_free, trace::Action::kSegmentFree);
  set(Word::segment_map, trace::Action::kSegmentMap);
  set(Word::segment_unmap, trace::Action::kSegmentUnmap);
  set(Word::oom, trace::Action::kOom);
  set(Word::snapshot, trace::Action::kSnapshot);
  set(Word::annotate, trace::Action::kAnnotate);
  set(Word::user_defined, trace::Action::kUserDefined);
  return actions;
}();

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
    case Kind::kEvents: {
      EventDraft draft;
      for (size_t i = 0; i + 1 < key_values.size(); i += 2) set_event_item(draft, key_values[i], key_values[i + 1]);
      return add_event(draft);
    }
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
    return stack_of(frame_scratch_);
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

void NodeStore::set_event_item(EventDraft& draft, Value key_value, Value value) {
  trace::EventFields& fields = draft.fields;
  switch (const Word key = key_of(key_value)) {
    case Word::action:
      fields.action = to_action(value);
      if (fields.action == trace::Action::kUnknown)
        ++seen.unknown_actions[to_text(value).value_or(trace::kEmptyString)];
      break;
    case Word::addr:
    case Word::device_free: draft.addr = to_unsigned(value); break;
    case Word::size: draft.size = to_unsigned(value); break;
    case Word::frames: fields.stack = to_stack(value); break;
    case Word::time_us:
      fields.time_us = to_signed(value).value_or(trace::kNoTime);
      seen.events_with_time = true;
      break;
    case Word::stream: fields.context.stream = to_signed(value).value_or(0); break;
    case Word::kEmpty: note_unknown("trace entries", key_value); break;
    default: read_context(key, value, fields.context); break;
  }
}

trace::Action NodeStore::to_action(Value value) { return kActions[static_cast<size_t>(key_of(value))]; }

Value NodeStore::add_event(const EventDraft& draft) {
  const bool needs_addr = draft.fields.action <= trace::Action::kSegmentUnmap;
  if (!draft.size || *draft.size >= kSizeLimit || (needs_addr && !draft.addr)) {
    ++seen.dropped_events;
    return {};
  }
  trace::EventFields fields = draft.fields;
  const bool oom = fields.action == trace::Action::kOom;
  fields.addr = draft.addr.value_or(oom ? trace::kNoDeviceFree : 0);
  fields.size = *draft.size;
  return Value::run(Kind::kEvents, builder_.add_event(fields), 1);
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
      case Word::line:
        frame.line = static_cast<uint32_t>(std::min<uint64_t>(to_unsigned(value).value_or(0), UINT32_MAX));
        break;
      case Word::kEmpty: note_unknown("frames", key_values[i]); break;
      default:
        if (!text_value) break;
        extra.append(kWords[static_cast<size_t>(key)]).append("=");
        extra.append(builder_.trace.strings[*text_value].substr(0, kLongestNote)).append("\n");
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
