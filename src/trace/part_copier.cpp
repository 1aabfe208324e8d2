#include "trace/part_copier.h"

#include <span>

namespace unfrag::trace {

PartCopier::PartCopier(const Trace& from, Builder& to)
    : from_(from), to_(to), texts_(from.strings.size()), frames_(from.frames.size()), stacks_(from.stacks.size()) {}

StringIdx PartCopier::text(StringIdx idx) {
  StringIdx& copy = texts_[idx.value()];
  if (copy.is_none()) copy = to_.intern(from_.strings[idx]);
  return copy;
}

FrameIdx PartCopier::frame(FrameIdx idx) {
  FrameIdx& copy = frames_[idx.value()];
  if (!copy.is_none()) return copy;
  const Frame& frame = from_.frames[idx];
  copy = to_.intern(Frame{
      .name = text(frame.name), .filename = text(frame.filename), .line = frame.line, .extra = text(frame.extra)});
  return copy;
}

StackIdx PartCopier::stack(StackIdx idx) {
  StackIdx& copy = stacks_[idx.value()];
  if (!copy.is_none()) return copy;
  const std::span<const FrameIdx> frames = from_.stacks[idx];
  scratch_.clear();
  scratch_.reserve(frames.size());
  for (const FrameIdx each : frames) scratch_.push_back(frame(each));
  copy = to_.intern(std::span<const FrameIdx>(scratch_));
  return copy;
}

EventContext PartCopier::context(const EventContext& context) {
  EventContext copy = context;
  copy.compile_context = text(context.compile_context);
  copy.user_metadata = text(context.user_metadata);
  copy.internal_metadata = text(context.internal_metadata);
  copy.category = text(context.category);
  copy.forward_stack = stack(context.forward_stack);
  return copy;
}

}  // namespace unfrag::trace
