// Who holds the memory: blocks grouped by the line of the user's code that asked for them (or by function, stream
// or segment), now, at one moment and at the peak. Sums over all holders equal the allocated bytes.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "analyze/memory_kind.h"
#include "analyze/state.h"
#include "analyze/user_code.h"
#include "base/strong.h"
#include "trace/trace.h"

namespace unfrag::analyze {

enum class Grouping : uint8_t { kLine, kFunction, kStream, kSegment };

/// Blocks and bytes of one holder at one moment.
struct Held {
  Bytes bytes{};
  uint64_t blocks = 0;
};

struct Holder {
  Held now;                         ///< As the snapshot shows it.
  Held at;                          ///< At the moment the report is about.
  Held at_peak;                     ///< When most was allocated.
  trace::FrameIdx frame;            ///< The user's line; none() where no stack was recorded, or grouped otherwise.
  Origin origin = Origin::kNative;  ///< Whose code `frame` is.
  trace::StackIdx stack = trace::kEmptyStack;  ///< The stack that holds most of it.
  MemoryKind kind = MemoryKind::kUnknown;      ///< Of most of its bytes: at the moment, else at the peak, else now.
  int64_t stream = 0;                          ///< With Grouping::kStream.
  uint64_t segment = 0;                        ///< With Grouping::kSegment: its address.
  bool outside = false;  ///< Not a holder: what of the blocks contradicts the segments, so that the sums are whole.
};

/// Holders, most bytes at the moment first, then at the peak. Only allocated blocks count: one that waits for other
/// streams is nobody's any more.
std::vector<Holder> find_holders(const trace::Trace& trace, const UserCode& user_code, Grouping grouping,
                                 const MemoryState& now, const MemoryState& at, const MemoryState& peak);

}  // namespace unfrag::analyze
