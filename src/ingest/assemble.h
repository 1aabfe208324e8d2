// From the values of a snapshot to a finished Trace: devices, segments, settings, warnings.
// Threads: one thread.
#pragma once

#include "base/result.h"
#include "ingest/node_store.h"

namespace unfrag::ingest {

/// Completes `store.builder().trace` from the root value. The records are in its tables already; this gives each
/// to its device and segment, once: an object that the file shares between several is taken where it comes first.
/// Errors: kBadInput where `root` is no snapshot (where: empty; the caller knows the offset).
Result<bool> assemble(NodeStore& store, Value root);

}  // namespace unfrag::ingest
