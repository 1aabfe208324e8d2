#include <string>
#include <utility>

#include "ingest/unpack_first_bytes.h"
#include "ingest/unpack_layers.h"

namespace unfrag::ingest::unpacking {
namespace {

class FramesSource final : public ByteSource {
 public:
  FramesSource(std::unique_ptr<Feed> packed, Frames kind)
      : packed_(std::move(packed)),
        kind_(kind),
        decoder_(kind == Frames::kGzip ? make_inflater(Deflated::kGzip) : make_zstd_decoder()) {}

  Result<size_t> read(std::span<char> into) override;
  [[nodiscard]] std::string end_note() const override { return note_; }

 private:
  [[nodiscard]] bool starts_frame(std::string_view bytes) const {
    return kind_ == Frames::kGzip ? starts_gzip(bytes) : starts_zstd(bytes);
  }
  void end_early(const std::string& how) {
    ended_ = true;
    note_ = packed_->end_note();  // Where the bytes around this layer ended early, that is the cause.
    if (!note_.empty()) return;
    note_ = std::string("the ") + (kind_ == Frames::kGzip ? "gzip" : "zstd") + " data is " + how + " at byte " +
            std::to_string(packed_->offset());
  }

  std::unique_ptr<Feed> packed_;
  Frames kind_;
  std::unique_ptr<Decoder> decoder_;
  bool in_frame_ = false;
  bool ended_ = false;
  std::string note_;
};

Result<size_t> FramesSource::read(std::span<char> into) {
  constexpr size_t kMagicBytes = 4;
  size_t made = 0;
  while (made < into.size() && !ended_) {
    auto packed = packed_->peek(kMagicBytes);
    if (!packed) return packed.error();
    if (!in_frame_ && !starts_frame(*packed)) {
      ended_ = true;
      if (packed->empty()) note_ = packed_->end_note();  // There may have been more frames.
      break;
    }
    // At the end of the packed bytes too: the decoder may hold back what did not fit into the last span.
    auto step = decoder_->step(*packed, into.subspan(made));
    if (!step) return step.error();
    const bool cut_off = packed->empty();
    packed_->consume(step->used);
    made += step->made;
    in_frame_ = step->state != Step::State::kEnd;
    const bool stuck = in_frame_ && step->used == 0 && step->made == 0;
    if (step->state == Step::State::kDamaged || stuck) end_early(stuck && cut_off ? "cut off" : "damaged");
  }
  return made;
}

}  // namespace

std::unique_ptr<ByteSource> open_frames(std::unique_ptr<Feed> packed, Frames kind) {
  return std::make_unique<FramesSource>(std::move(packed), kind);
}

}  // namespace unfrag::ingest::unpacking
