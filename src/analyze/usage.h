// How much memory was in use at every moment of a device's recording: the four curves, their peaks and a timeline.
//
// Peaks are PyTorch's: of the sums after each entry. Where sizes are lower bounds (history.h) so are allocated and
// active. Cost: one pass over the entries. Threads: safe.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "analyze/lives.h"
#include "base/strong.h"
#include "trace/trace.h"

namespace unfrag::analyze {

/// PyTorch's four sums at one moment.
struct Usage {
  Bytes allocated{};  ///< Block bytes the program holds.
  Bytes active{};     ///< ... plus blocks that wait for other streams.
  Bytes requested{};  ///< What was asked for, of the active blocks.
  Bytes reserved{};   ///< Bytes held from the driver.
};

struct Peak {
  Bytes bytes{};
  uint32_t entry = kBefore;  ///< The first entry after which it was reached; kBefore if the recording began there.
};

/// The highest values within one stretch of the recording.
struct TimelinePoint {
  uint32_t last_entry = 0;
  Usage highest;
};

struct UsageCurves {
  Usage at_start;
  Usage at_end;
  Peak allocated, active, requested, reserved;
  std::vector<TimelinePoint> timeline;  ///< At most `points` stretches of equal length.
  uint32_t beyond_reserved = kNever;    ///< First entry after which more was active than reserved: a contradiction.
};

UsageCurves measure_usage(const trace::Trace& trace, const trace::Device& device, const History& history,
                          size_t points);

}  // namespace unfrag::analyze
