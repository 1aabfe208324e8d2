// Brings strings, frames and stacks of one Trace into another that is being built: each is copied when it is first
// asked for, so that what nobody names stays behind.
// Cost: a number a string, frame and stack of the first. Threads: one.
#pragma once

#include <vector>

#include "trace/builder.h"
#include "trace/trace.h"

namespace unfrag::trace {

class PartCopier {
 public:
  /// Lives: both outlive this.
  PartCopier(const Trace& from, Builder& to);

  StringIdx text(StringIdx idx);
  StackIdx stack(StackIdx idx);
  EventContext context(const EventContext& context);

 private:
  FrameIdx frame(FrameIdx idx);

  const Trace& from_;
  Builder& to_;
  std::vector<StringIdx> texts_;
  std::vector<FrameIdx> frames_;
  std::vector<StackIdx> stacks_;
  std::vector<FrameIdx> scratch_;
};

}  // namespace unfrag::trace
