#include "replay/reservation_base.h"

#include <algorithm>

#include "alloc/rounding.h"

namespace unfrag::replay {
namespace {

/// How far is looked ahead of one request.
constexpr uint32_t kHorizon = 1 << 16;

}  // namespace

std::optional<uint64_t> ReservationBases::find(const alloc::Owner& owner, const SimulatedDevice& simulated) {
  const uint32_t end = from_ + std::min({device_.event_count - from_, kHorizon, left_});
  // What the request itself has mapped elsewhere, and given back since, is no longer reserved.
  uint64_t done = simulated.times_mapped() - mapped_before_;
  for (uint32_t entry = from_; entry < end; ++entry, --left_) {
    const size_t row = size_t{device_.first_event} + entry;
    if (trace_.events.action[row] != trace::Action::kSegmentMap) continue;
    if (done > 0) {
      --done;
      continue;
    }
    // A request of a small pool never needs more than one page.
    const bool small = trace_.events.size[row] == alloc::kSmallSegment.value();
    if (small != owner.small || trace_.context_of(row).stream != owner.stream) continue;
    if (!simulated.is_reserved(trace_.events.addr[row], owner)) return trace_.events.addr[row];
  }
  return std::nullopt;
}

}  // namespace unfrag::replay
