#define ZLIB_CONST  // zlib's own switch for an input pointer to const.
#include <zlib.h>

#include <algorithm>

#include "ingest/unpack_layers.h"

namespace unfrag::ingest::unpacking {
namespace {

class Inflater final : public Decoder {
 public:
  explicit Inflater(Deflated wrapping) : wrapping_(wrapping) {}
  ~Inflater() override {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<Step> step(std::string_view packed, std::span<char> into) override;

 private:
  int prepare() {
    if (ready_) return Z_OK;
    // zlib.h: the largest window, plus 16 for a gzip header, negative for none at all.
    const int result = inflateInit2(&stream_, wrapping_ == Deflated::kGzip ? MAX_WBITS + 16 : -MAX_WBITS);
    ready_ = result == Z_OK;
    return result;
  }

  Deflated wrapping_;
  bool ready_ = false;
  z_stream stream_ = {};
};

Result<Step> Inflater::step(std::string_view packed, std::span<char> into) {
  constexpr size_t kMost = size_t{1} << 30;  // zlib counts in 32 bits.
  const size_t given = std::min(packed.size(), kMost);
  const size_t room = std::min(into.size(), kMost);
  int result = prepare();
  if (result == Z_OK) {
    stream_.next_in = reinterpret_cast<const Bytef*>(packed.data());
    stream_.avail_in = static_cast<uInt>(given);
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(room);
    result = inflate(&stream_, Z_NO_FLUSH);
  }
  if (result == Z_MEM_ERROR) return Error{ErrorKind::kMissing, "", "there is not enough memory to unpack it", ""};

  Step step{.used = given - stream_.avail_in, .made = room - stream_.avail_out};
  if (result == Z_STREAM_END) {
    step.state = Step::State::kEnd;
    inflateReset(&stream_);
  } else if (result != Z_OK && result != Z_BUF_ERROR) {
    step.state = Step::State::kDamaged;
  }
  return step;
}

}  // namespace

std::unique_ptr<Decoder> make_inflater(Deflated wrapping) { return std::make_unique<Inflater>(wrapping); }

}  // namespace unfrag::ingest::unpacking
