// Where the address space of a new expandable segment lies: no entry says so, but the first pages that are mapped for
// its stream outside of what was reserved before lie at its beginning, even where that is many entries later, since the
// device had no memory for the request that reserved it. Threads: pure function.
#pragma once

#include <cstdint>
#include <optional>

#include "alloc/driver.h"
#include "replay/simulated_device.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// The request that reserves: where its entries begin, counted from the device's first, and how often memory had been
/// mapped before it.
struct Reserving {
  uint32_t from = 0;
  uint64_t mapped_before = 0;
};

/// Nothing where no entry tells.
std::optional<uint64_t> find_reservation_base(const trace::Trace& trace, const trace::Device& device,
                                              const Reserving& request, const alloc::Owner& owner,
                                              const SimulatedDevice& simulated);

}  // namespace unfrag::replay
