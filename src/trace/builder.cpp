#include "trace/builder.h"

#include <bit>
#include <cstring>

namespace unfrag::trace {
namespace {

constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio, odd: spreads low bits upwards

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * kMultiplier;
  return hash ^ (hash >> 29);
}

uint64_t load64(const void* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

size_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

size_t hash_of(const Frame& frame) {
  uint64_t hash = mix(frame.name.value(), frame.filename.value());
  hash = mix(hash, frame.line);
  return mix(hash, frame.extra.value());
}

// Two lanes of two frames each: a stack of 60 frames is hashed for every event that lists it, and one lane would
// wait for its multiplication 30 times.
size_t hash_of(std::span<const FrameIdx> stack) {
  static_assert(sizeof(FrameIdx) == 4);
  uint64_t even = stack.size();
  uint64_t odd = kMultiplier;
  const FrameIdx* at = stack.data();
  size_t left = stack.size();
  for (; left >= 4; left -= 4, at += 4) {
    even = (std::rotl(even, 23) ^ load64(at)) * kMultiplier;
    odd = (std::rotl(odd, 23) ^ load64(at + 2)) * kMultiplier;
  }
  uint64_t hash = mix(even, odd);
  for (; left > 0; --left, ++at) hash = mix(hash, at->value());
  return mix(hash, hash >> 32);
}

size_t hash_of(const EventContext& context) {
  uint64_t hash = mix(static_cast<uint64_t>(context.stream), context.pool.first);
  hash = mix(hash, context.pool.second + (context.has_pool ? 1 : 0));
  hash = mix(hash, context.compile_context.value() | uint64_t{context.user_metadata.value()} << 32);
  hash = mix(hash, context.internal_metadata.value() | uint64_t{context.category.value()} << 32);
  return mix(hash, context.forward_stack.value());
}

Builder::Builder() : strings_(trace.strings), frames_(trace.frames), stacks_(trace.stacks), contexts_(trace.contexts) {
  strings_.add_existing(kEmptyString);
  stacks_.add_existing(kEmptyStack);
}

ContextIdx Builder::intern(const EventContext& context) {
  // Neighbours mostly share their context: looking at the last one first saves most lookups.
  if (!last_context_.is_none() && trace.contexts[last_context_] == context) return last_context_;
  last_context_ = contexts_.find_or_add(trace.contexts, context);
  return last_context_;
}

uint32_t Builder::add_event_slowly(const EventFields& event, ContextIdx context) {
  EventTable& table = trace.events;
  const auto row = static_cast<uint32_t>(table.size_rows());
  if (event.time_us != kNoTime || !table.time_us.empty()) {
    while (table.time_us.size() < row) table.time_us.push_back(kNoTime);
    table.time_us.push_back(event.time_us);
  }
  table.action.push_back(event.action);
  table.addr.push_back(event.addr);
  table.size.push_back(event.size);
  table.stack.push_back(event.stack);
  table.context.push_back(context);
  return row;
}

uint32_t Builder::add_block(const BlockFields& block) {
  BlockTable& table = trace.blocks;
  const auto row = static_cast<uint32_t>(table.size_rows());
  table.addr.push_back(block.addr);
  table.size.push_back(block.size);
  table.requested.push_back(block.requested);
  table.state.push_back(block.state);
  table.stack.push_back(block.stack);
  table.forward_stack.push_back(block.forward_stack);
  table.user_metadata.push_back(block.user_metadata);
  return row;
}

uint32_t Builder::copy_event(uint32_t row) {
  const EventTable& table = trace.events;
  return add_event({.action = table.action[row],
                    .addr = table.addr[row],
                    .size = table.size[row],
                    .time_us = trace.time_of(row),
                    .stack = table.stack[row],
                    .context = trace.context_of(row)});
}

uint32_t Builder::copy_block(uint32_t row) {
  const BlockTable& table = trace.blocks;
  return add_block({.addr = table.addr[row],
                    .size = table.size[row],
                    .requested = table.requested[row],
                    .state = table.state[row],
                    .stack = table.stack[row],
                    .forward_stack = table.forward_stack[row],
                    .user_metadata = table.user_metadata[row]});
}

}  // namespace unfrag::trace
