#include <zstd.h>
#include <zstd_errors.h>

#include "ingest/unpack_layers.h"

namespace unfrag::ingest::unpacking {
namespace {

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

class ZstdDecoder final : public Decoder {
 public:
  Result<Step> step(std::string_view packed, std::span<char> into) override;

 private:
  Result<Step> call(std::string_view packed, std::span<char> into);

  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  size_t wanted_ = 0;        // Packed bytes up to the end of the next block, as the library says.
  bool holds_back_ = false;  // Perhaps: the last call filled its span.
};

Result<Step> refused(ZSTD_ErrorCode code) {
  switch (code) {
    case ZSTD_error_frameParameter_windowTooLarge:
      return Error{ErrorKind::kBadInput, "", "the zstd data needs a window of more than 128 MiB",
                   "unpacking it first with zstd -d --long=31"};
    case ZSTD_error_dictionary_wrong:
      return Error{ErrorKind::kBadInput, "", "the zstd data was packed with a dictionary",
                   "unpacking it first with zstd -d -D DICTIONARY"};
    case ZSTD_error_memory_allocation:
      return Error{ErrorKind::kMissing, "", "there is not enough memory to unpack it", ""};
    default: return Step{.state = Step::State::kDamaged};
  }
}

Result<Step> ZstdDecoder::step(std::string_view packed, std::span<char> into) {
  if (!context_) {
    context_.reset(ZSTD_createDCtx());
    if (!context_) return refused(ZSTD_error_memory_allocation);
    wanted_ = ZSTD_initDStream(context_.get());
  }
  // On damage the library forgets all it did in that call, also what was good. So what it holds back is taken out
  // before it gets more to do, and then it gets a block at a time.
  if (holds_back_) {
    auto flushed = call({}, into);
    if (!flushed || flushed->made > 0) return flushed;
  }
  return call(packed.substr(0, wanted_), into);
}

Result<Step> ZstdDecoder::call(std::string_view packed, std::span<char> into) {
  ZSTD_inBuffer in = {packed.data(), packed.size(), 0};
  ZSTD_outBuffer out = {into.data(), into.size(), 0};
  const size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
  if (ZSTD_isError(result)) return refused(ZSTD_getErrorCode(result));
  holds_back_ = out.pos == out.size;
  wanted_ = result == 0 ? ZSTD_initDStream(context_.get()) : result;
  return Step{result == 0 ? Step::State::kEnd : Step::State::kMore, in.pos, out.pos};
}

}  // namespace

std::unique_ptr<Decoder> make_zstd_decoder() { return std::make_unique<ZstdDecoder>(); }

}  // namespace unfrag::ingest::unpacking
