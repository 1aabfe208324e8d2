#include "replay/entry_sources.h"

#include <algorithm>

namespace unfrag::replay {

using trace::Action;

// A request's burst ends with it, any other's begins with its entry.
void EntrySources::begin_burst(uint32_t origin) {
  origin_ = origin;
  missing_.reset();
  uint32_t begin = 0;
  for (; op_ < program_.ops.size() && program_.ops[op_].entry < origin; ++op_) {
    const Op& op = program_.ops[op_];
    begin = op.kind == OpKind::kChange ? op.entry : op.entry + 1;  // a change has no entry
  }
  end_ = origin + 1;
  if (action(origin) == Action::kAlloc || action(origin) == Action::kOom) {
    next_ = std::max(next_, begin);
    return;
  }
  next_ = std::max(next_, origin);
  const auto belongs = [](Action action) {
    return action == Action::kFreeCompleted || action == Action::kSegmentFree || action == Action::kSegmentUnmap ||
           action >= Action::kSnapshot;
  };
  while (end_ < device_.event_count && belongs(action(end_))) ++end_;
}

EntrySources::Source EntrySources::find(const LogEntry& entry) {
  if (entry.origin != origin_) begin_burst(entry.origin);
  const auto kind = static_cast<size_t>(entry.action);
  if (!missing_[kind]) {
    for (uint32_t i = next_; i < end_; ++i) {
      if (action(i) != entry.action) continue;
      next_ = i + 1;
      return {.entry = i, .when = i};
    }
    missing_.set(kind);
  }
  return {.entry = origin_, .when = std::min(next_, origin_)};
}

}  // namespace unfrag::replay
