// The way in: bytes of any supported format and release to a Trace.
//
//   ByteSource ─► unpack (gzip, zstd, zip, HTML) ─► pickle machine │ JSON reader ─► NodeStore ─► assemble ─► Trace
//
// It runs nothing, trusts nothing and loses nothing: a cut or damaged file gives what precedes the damage, marked
// `truncated` and with a warning. Threads: one thread a call; calls share nothing.
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "base/strong.h"
#include "ingest/byte_source.h"
#include "trace/trace.h"

namespace unfrag::ingest {

struct ReadOptions {
  /// Limit on unpacked bytes in place of the defaults in unpack.h.
  std::optional<Bytes> max_unpacked;
};

struct Snapshot {
  std::unique_ptr<const trace::Trace> trace;
  uint64_t bytes = 0;  ///< Unpacked bytes read.
};

/// Reads one snapshot.
/// Errors: kBadInput, with the byte offset, where the bytes are no snapshot, want code run, or unpack beyond the limit.
Result<Snapshot> read_snapshot(std::unique_ptr<ByteSource> source, const ReadOptions& options);

}  // namespace unfrag::ingest
