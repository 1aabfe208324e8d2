// The parts unpack is made of: decoders of one packed stream, and the sources that take off one wrapping.
// Internal to unpack. Threads: one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "ingest/byte_source.h"
#include "ingest/unpack_feed.h"

namespace unfrag::ingest::unpacking {

/// What one call of a decoder did.
struct Step {
  enum class State {
    kMore,     ///< Goes on; where neither used nor made anything, it wants more packed bytes.
    kEnd,      ///< The packed stream is complete; the next call starts another one.
    kDamaged,  ///< The packed bytes make no sense; what was made before is good.
  };
  State state = State::kMore;
  size_t used = 0;
  size_t made = 0;
};

/// Unpacks one stream, piece by piece, with no buffer of its own in between. Allocates at the first step.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Errors: kBadInput where the stream is whole but not one we unpack; kMissing where memory runs out.
  virtual Result<Step> step(std::string_view packed, std::span<char> into) = 0;
};

enum class Deflated { kGzip, kRaw };
std::unique_ptr<Decoder> make_inflater(Deflated wrapping);
std::unique_ptr<Decoder> make_zstd_decoder();

enum class Frames { kGzip, kZstd };
/// Packed streams one after another; what follows the last one and is none itself (padding) is left alone.
std::unique_ptr<ByteSource> open_frames(std::unique_ptr<Feed> packed, Frames kind);

/// The first base64 text of a page as torch.cuda._memory_viz writes it: [{"name": ..., "base64": "..."}].
/// Errors: kBadInput where the page has none.
Result<std::unique_ptr<ByteSource>> open_html(std::unique_ptr<Feed> page);

}  // namespace unfrag::ingest::unpacking
