#include "replay/as_recorded.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace unfrag::replay {

using trace::Action;

void run_as_recorded(Runner& runner, const Program& program, const trace::Trace& trace, const trace::Device& device,
                     const History& history) {
  runner.complete_in_order_of([&](uint32_t life) { return completion_of(history, life); });
  uint32_t entry = 0;
  for (const Op& op : program.ops) {
    std::vector<uint64_t> plain;
    std::vector<uint64_t> expandable;
    for (; entry < op.entry; ++entry) {
      const size_t row = size_t{device.first_event} + entry;
      const Action action = trace.events.action[row];
      if (action == Action::kSegmentAlloc) plain.push_back(trace.events.addr[row]);
      if (action == Action::kSegmentMap) expandable.push_back(trace.events.addr[row]);
    }
    if (!plain.empty() || !expandable.empty()) {
      std::ranges::reverse(plain);  // the next is taken from the back
      std::ranges::reverse(expandable);
      runner.device().suggest(std::move(plain), std::move(expandable));
    }
    runner.step(op);
  }
  runner.complete_in_order_of({});
}

}  // namespace unfrag::replay
