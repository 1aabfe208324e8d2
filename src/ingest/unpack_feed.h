// A source with its next bytes at hand: every layer of unpacking reads the layer around it through a Feed,
// which also counts. Internal to unpack.
//
//   file ─▶ Feed ─▶ zip ─▶ Feed ─▶ gzip ─▶ Feed ─▶ reader
//           counts what goes in    each checks what comes out against its Budget
//
// Threads: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"
#include "ingest/byte_source.h"

namespace unfrag::ingest::unpacking {

class Feed;

/// What may come out of any layer for what the outermost one has taken in.
class Budget {
 public:
  /// Lives: `outermost` outlives the budget.
  Budget(const Feed& outermost, std::optional<Bytes> max_unpacked) : outermost_(&outermost), max_(max_unpacked) {}
  /// The error to return where `unpacked` bytes are too many.
  [[nodiscard]] std::optional<Error> refuse(uint64_t unpacked) const;

 private:
  [[nodiscard]] Error over(const std::string& limit) const;
  const Feed* outermost_;
  std::optional<Bytes> max_;
};

/// Reads straight through where nothing is peeked at: then the bytes go from the source to the caller's span.
/// Cost: one buffer of kBuffer bytes, from the first peek on.
class Feed final : public ByteSource {
 public:
  static constexpr size_t kBuffer = size_t{64} << 10;

  explicit Feed(std::unique_ptr<ByteSource> source, std::optional<Budget> budget = std::nullopt)
      : source_(std::move(source)), budget_(budget) {}

  /// The next bytes: at least `want` of them, fewer only at the end of the source.
  /// Requires: want <= kBuffer.   Lives: until the next call of anything but `offset`.
  Result<std::string_view> peek(size_t want);
  /// Requires: n bytes were just peeked at.
  void consume(size_t n);
  /// Consumes `n` bytes, fewer only at the end of the source; returns how many.
  Result<uint64_t> skip(uint64_t n);
  Result<size_t> read(std::span<char> into) override;
  [[nodiscard]] std::string end_note() const override { return source_->end_note(); }

  /// Bytes consumed so far.
  [[nodiscard]] uint64_t offset() const { return offset_; }

 private:
  Result<size_t> pull(std::span<char> into);

  std::unique_ptr<ByteSource> source_;
  std::optional<Budget> budget_;
  std::unique_ptr<char[]> buffer_;  // The bytes at hand are [begin_, end_).
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t offset_ = 0;
  uint64_t pulled_ = 0;
  bool at_end_ = false;
};

}  // namespace unfrag::ingest::unpacking
