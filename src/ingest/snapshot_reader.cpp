#include "ingest/snapshot_reader.h"

#include <utility>

#include "ingest/assemble.h"
#include "ingest/byte_window.h"
#include "ingest/json_reader.h"
#include "ingest/node_store.h"
#include "ingest/pickle_machine.h"
#include "ingest/unpack.h"

namespace unfrag::ingest {
namespace {

std::string at_byte(uint64_t offset) { return "byte " + std::to_string(offset); }

/// Everything the reader needs while it reads; the Builder's Trace is moved out at the end.
Result<Snapshot> read_unpacked(Unpacked unpacked) {
  auto trace_out = std::make_unique<trace::Trace>();
  uint64_t bytes = 0;
  {
    trace::Builder builder;
    NodeStore store(builder);
    Parsed parsed;
    {
      ByteWindow window(*unpacked.source);
      auto result = unpacked.content == Content::kPickle ? run_pickle(window, store) : read_json(window, store);
      if (!result) return result.error();
      parsed = std::move(*result);
    }
    bytes = parsed.offset;
    if (auto done = assemble(store, parsed.root); !done) {
      Error error = done.error();
      error.where = at_byte(parsed.offset);
      if (!parsed.damage.empty()) error.what = parsed.damage + ", and nothing before that is part of a snapshot";
      return error;
    }
    *trace_out = std::move(builder.trace);
    trace::Trace& trace = *trace_out;
    if (!parsed.damage.empty()) {
      const std::string note = unpacked.source->end_note();
      trace.truncated = true;
      trace.warnings.insert(trace.warnings.begin(), parsed.damage + " at byte " + std::to_string(parsed.offset) +
                                                        (note.empty() ? "" : " (" + note + ")") +
                                                        ": the report covers what precedes that");
    }
    for (std::string& warning : unpacked.warnings) trace.warnings.push_back(std::move(warning));
  }
  return Snapshot{std::move(trace_out), bytes};
}

}  // namespace

Result<Snapshot> read_snapshot(std::unique_ptr<ByteSource> source, const ReadOptions& options) {
  auto unpacked = unpack(std::move(source), options.max_unpacked);
  if (!unpacked) return unpacked.error();
  return read_unpacked(std::move(*unpacked));
}

}  // namespace unfrag::ingest
