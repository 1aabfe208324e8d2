// The segments and blocks that a replay ends with, as a snapshot shows them.
// Threads: pure function of all but the Builder.
#pragma once

#include "replay/program.h"
#include "replay/runner.h"
#include "trace/builder.h"
#include "trace/part_copier.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// Appends them in address order; of an expandable segment each run of mapped pages, as PyTorch does. A live block has
/// the stack that the recording has for it at its end, else that of its request. A plain segment that was never split
/// has the stack of the request it was obtained for; expandable ones are shown without.
/// Cost: O(n log n) in blocks. Requires: the entries are in `builder` already; they tell which request that was.
void add_final_state(const trace::Trace& recorded, const trace::Device& device, const Program& program,
                     const Runner& runner, trace::PartCopier& parts, trace::Builder& builder);

}  // namespace unfrag::replay
