// Takes the wrapping off: gzip, zstd, zip and memory_viz's HTML page, in any nesting up to kMaxLayers,
// as a stream and within a limit on what comes out.
//
// What it is not: it knows nothing of pickle or snapshots beyond "these first bytes could start one", which
// it needs to choose the member of a zip archive. Threads: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "ingest/byte_source.h"

namespace unfrag::ingest {

/// Unpacked bytes allowed for each packed byte where the caller sets no limit of their own.
/// Deflate cannot exceed 1,032; a snapshot comes nowhere near either.
inline constexpr uint64_t kMaxUnpackRatio = 1000;
inline constexpr Bytes kMaxUnpacked = 64_GiB;
/// Wrappings inside one another (a gzip inside a zip is 2).
inline constexpr int kMaxLayers = 4;

enum class Content { kPickle, kJson };

struct Unpacked {
  std::unique_ptr<ByteSource> source;  ///< The innermost bytes, from their first one.
  Content content = Content::kPickle;
  std::vector<std::string> layers;    ///< "zip", "gzip", "zstd", "html", outermost first.
  std::vector<std::string> warnings;  ///< e.g. further members of an archive that are not read.
};

/// Looks at the first bytes of `source` and of what is inside until something that can be a snapshot comes out.
/// `max_unpacked`: a limit of the caller's in place of kMaxUnpackRatio and kMaxUnpacked.
/// Errors: kBadInput, with the byte offset, where the bytes are neither a known wrapping nor pickle nor JSON
/// (naming what they look like where that is known: a torch checkpoint, an ELF file, ...), where a zip holds no
/// snapshot, or where it is encrypted or packed with a method we cannot unpack.
Result<Unpacked> unpack(std::unique_ptr<ByteSource> source, std::optional<Bytes> max_unpacked);

}  // namespace unfrag::ingest
