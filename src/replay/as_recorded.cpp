#include "replay/as_recorded.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "replay/reservation_base.h"

namespace unfrag::replay {

using trace::Action;

void run_as_recorded(Runner& runner, const Program& program, const trace::Trace& trace, const trace::Device& device,
                     const History& history) {
  runner.complete_in_order_of([&](uint32_t life) { return completion_of(history, life); });
  uint32_t entry = 0;
  ReservationBases bases(trace, device);
  runner.device().on_reserve([&](const alloc::Owner& owner) { return bases.find(owner, runner.device()); });
  for (const Op& op : program.ops) {
    std::vector<uint64_t> plain;
    bases.begin_request(entry, runner.device());
    for (; entry < op.entry; ++entry) {
      const size_t row = size_t{device.first_event} + entry;
      const Action action = trace.events.action[row];
      if (action == Action::kSegmentAlloc) plain.push_back(trace.events.addr[row]);
    }
    std::ranges::reverse(plain);
    runner.device().suggest(std::move(plain));
    runner.step(op);
  }
  runner.complete_in_order_of({});
  runner.device().on_reserve({});
}

}  // namespace unfrag::replay
