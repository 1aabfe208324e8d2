// Reads a snapshot dumped as JSON: the same dict, the same recognition, as a stream.
// Threads: one thread.
#pragma once

#include "base/result.h"
#include "ingest/byte_window.h"
#include "ingest/node_store.h"
#include "ingest/pickle_machine.h"

namespace unfrag::ingest {

/// Reads the JSON value at the window's position. A cut or damaged text gives what precedes the damage.
/// Errors: those of the source.
Result<Parsed> read_json(ByteWindow& window, NodeStore& store);

}  // namespace unfrag::ingest
