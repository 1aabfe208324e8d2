// The log of a rehearsed process (base/allocation_log.h) to a Trace: its entries, stacks and settings.
//
// A process that ends at any moment leaves no final state, so the Trace has no segments and is `truncated`; a replay
// that agrees with it knows them. What a log was like is in its summary (log_summary.h). Threads: one thread a call;
// calls share nothing.
#pragma once

#include <memory>

#include "ingest/log_records.h"
#include "trace/trace.h"

namespace unfrag::ingest {

/// What precedes the damage, where there is any. `dialect`: the release of PyTorch that was rehearsed.
std::unique_ptr<trace::Trace> read_allocation_log(LogRecords& log, trace::Dialect dialect);

}  // namespace unfrag::ingest
