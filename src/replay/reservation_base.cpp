#include "replay/reservation_base.h"

#include <algorithm>

#include "alloc/rounding.h"

namespace unfrag::replay {
namespace {

/// How far is looked ahead: a file that reserves at every entry and never maps must not cost its square.
constexpr uint32_t kHorizon = 1 << 16;

}  // namespace

std::optional<uint64_t> find_reservation_base(const trace::Trace& trace, const trace::Device& device,
                                              const Reserving& request, const alloc::Owner& owner,
                                              const SimulatedDevice& simulated) {
  const uint32_t end = request.from + std::min(device.event_count - request.from, kHorizon);
  // What the request itself has mapped elsewhere, and given back since, is no longer reserved.
  uint64_t done = simulated.times_mapped() - request.mapped_before;
  for (uint32_t entry = request.from; entry < end; ++entry) {
    const size_t row = size_t{device.first_event} + entry;
    if (trace.events.action[row] != trace::Action::kSegmentMap) continue;
    if (done > 0) {
      --done;
      continue;
    }
    // A request of a small pool never needs more than one page.
    const bool small = trace.events.size[row] == alloc::kSmallSegment.value();
    if (small != owner.small || trace.context_of(row).stream != owner.stream) continue;
    if (!simulated.is_reserved(trace.events.addr[row], owner)) return trace.events.addr[row];
  }
  return std::nullopt;
}

}  // namespace unfrag::replay
