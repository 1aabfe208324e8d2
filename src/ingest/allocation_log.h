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

/// A block that is a workspace of cuDNN.
struct Workspace {
  uint32_t device = 0;
  uint32_t entry = 0;  ///< Of that device, counted from 0, which handed it out.
  bool asked = false;  ///< cuDNN itself said how large it has to be; else a rule did.
};

struct LogOfAllocations {
  std::unique_ptr<trace::Trace> trace;
  std::vector<Workspace> workspaces;
};

/// What precedes the damage, where there is any. `dialect`: the release of PyTorch that was rehearsed.
LogOfAllocations read_allocation_log(LogRecords& log, trace::Dialect dialect);

}  // namespace unfrag::ingest
