#include "trace/trace.h"

namespace unfrag::trace {

std::string_view action_name(Action action) {
  switch (action) {
    case Action::kAlloc: return "alloc";
    case Action::kFreeRequested: return "free_requested";
    case Action::kFreeCompleted: return "free_completed";
    case Action::kSegmentAlloc: return "segment_alloc";
    case Action::kSegmentFree: return "segment_free";
    case Action::kSegmentMap: return "segment_map";
    case Action::kSegmentUnmap: return "segment_unmap";
    case Action::kOom: return "oom";
    case Action::kSnapshot: return "snapshot";
    case Action::kAnnotate: return "annotate";
    case Action::kUserDefined: return "user_defined";
    case Action::kUnknown: break;
  }
  return "unknown";
}

size_t EventTable::heap_bytes() const {
  return action.heap_bytes() + addr.heap_bytes() + size.heap_bytes() + time_us.heap_bytes() + stack.heap_bytes() +
         context.heap_bytes();
}

}  // namespace unfrag::trace
