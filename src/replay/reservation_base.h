// Where the address space of new expandable segments lies: no entry says so, but the first pages that are mapped for
// their stream outside of what was reserved before lie at the beginning, even where that is many entries later, since
// the device had no memory for the request that reserved it. One for a replay: what it looks at in all has a bound.
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>

#include "alloc/driver.h"
#include "replay/simulated_device.h"
#include "trace/trace.h"

namespace unfrag::replay {

class ReservationBases {
 public:
  ReservationBases(const trace::Trace& trace, const trace::Device& device) : trace_(trace), device_(device) {}

  /// A request begins, which may reserve: its entries begin at `from`, counted from the device's first.
  void begin_request(uint32_t from, const SimulatedDevice& simulated) {
    from_ = from;
    mapped_before_ = simulated.times_mapped();
  }
  /// Nothing where no entry tells, or after more was looked at than a program gives cause for.
  std::optional<uint64_t> find(const alloc::Owner& owner, const SimulatedDevice& simulated);

 private:
  const trace::Trace& trace_;
  const trace::Device& device_;
  uint32_t from_ = 0;
  uint64_t mapped_before_ = 0;
  /// Entries that may still be looked at: a file may make the allocator reserve at every entry and never map.
  uint32_t left_ = uint32_t{1} << 26;
};

}  // namespace unfrag::replay
