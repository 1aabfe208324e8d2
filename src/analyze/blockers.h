// What stands in the way of a request: the cheapest live blocks whose release would open a hole for it.
//
// Cheapest is least bytes, then fewest blocks, then lowest address: exact within each run of memory (mapped parts of
// an expandable segment that touch are one run). Blocks that only wait for other streams cost nothing: nobody holds
// them any more. Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "analyze/request.h"
#include "analyze/state.h"
#include "base/strong.h"

namespace unfrag::analyze {

/// A hole that would open, and the blocks that are in it now.
struct Opening {
  Bytes hole{};                     ///< From the block before to the block after.
  Bytes release{};                  ///< In the live blocks.
  std::vector<PlacedBlock> blocks;  ///< The live ones, by address.
  Run run{};
};

/// The cheapest opening of each run that the request may use, cheapest first, at most `most`. Empty where no run is
/// large enough.
std::vector<Opening> find_openings(const MemoryState& state, const Request& request, size_t most);

/// Segments that go back to the driver once their live blocks are gone, so that it can serve the request.
struct Emptying {
  Bytes returned{};                 ///< In the segments.
  Bytes release{};                  ///< In their live blocks.
  std::vector<Run> segments;        ///< By address.
  std::vector<PlacedBlock> blocks;  ///< The live ones in them, by address.
  bool cheapest = true;             ///< False where there were too many to try all.
};

/// The cheapest plain segments of the default pools that, with those already free, have at least `missing` bytes:
/// least bytes in live blocks.
/// Empty where there are not as many. Source: release_cached_blocks, which a failing request calls before it gives up.
Emptying find_emptying(const MemoryState& state, Bytes missing);

}  // namespace unfrag::analyze
