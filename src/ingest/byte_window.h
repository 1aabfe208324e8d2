// A window on a ByteSource: the next bytes in one piece, moved along as they are used.
//
//   begin ──► at() ............ end() 00 00 00 ...     kPad zero bytes behind the end may be read, never trusted
//
// Threads: one thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "ingest/byte_source.h"

namespace unfrag::ingest {

class ByteWindow {
 public:
  static constexpr size_t kSize = size_t{64} << 10;
  static constexpr size_t kPad = 16;

  explicit ByteWindow(ByteSource& source)
      : source_(source),
        buffer_(std::make_unique_for_overwrite<unsigned char[]>(kSize + kPad)),
        at_(buffer_.get()),
        end_(buffer_.get()) {}

  [[nodiscard]] const unsigned char* at() const { return at_; }
  [[nodiscard]] const unsigned char* end() const { return end_; }
  [[nodiscard]] size_t left() const { return static_cast<size_t>(end_ - at_); }
  void move_to(const unsigned char* at) { at_ = at; }
  /// Bytes of the source before at().
  [[nodiscard]] uint64_t offset() const { return base_ + static_cast<uint64_t>(at_ - buffer_.get()); }

  /// Tries to have at least `wanted` bytes in the window (at most kSize); fewer are there only at the end of the
  /// source. False once the source failed: see error().
  bool fill(size_t wanted);
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  /// Moves up to `count` bytes into `out` (replacing it); fewer only at the end of the source.
  bool take(uint64_t count, std::string& out);

 private:
  ByteSource& source_;
  std::unique_ptr<unsigned char[]> buffer_;
  const unsigned char* at_;
  const unsigned char* end_;
  uint64_t base_ = 0;  // offset of buffer_[0]
  bool at_end_ = false;
  std::optional<Error> error_;
};

}  // namespace unfrag::ingest
