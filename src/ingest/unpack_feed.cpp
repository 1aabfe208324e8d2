#include "ingest/unpack_feed.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ingest/unpack.h"

namespace unfrag::ingest::unpacking {
namespace {

// A short, very repetitive file may exceed the ratio before it has shown what it is.
constexpr uint64_t kSlack = (1_MiB).value();

std::string in_words(Bytes bytes) {
  constexpr std::pair<Bytes, const char*> kUnits[] = {{1_GiB, " GiB"}, {1_MiB, " MiB"}, {1_KiB, " KiB"}};
  for (const auto& [unit, name] : kUnits) {
    if (bytes >= unit && bytes.value() % unit.value() == 0) return std::to_string(bytes.value() / unit.value()) + name;
  }
  return std::to_string(bytes.value()) + " bytes";
}

}  // namespace

std::optional<Error> Budget::refuse(uint64_t unpacked) const {
  const Bytes limit = max_.value_or(kMaxUnpacked);
  if (unpacked > limit.value()) return over(in_words(limit));
  // Divided, not multiplied: nothing can wrap.
  if (max_ || unpacked <= kSlack || (unpacked - kSlack) / kMaxUnpackRatio <= outermost_->offset()) return std::nullopt;
  return over(std::to_string(kMaxUnpackRatio) + " times its size");
}

Error Budget::over(const std::string& limit) const {
  return {.kind = ErrorKind::kBadInput,
          .where = "byte " + std::to_string(outermost_->offset()),
          .what = "unpacks to more than " + limit,
          .action = max_ ? "pass a larger --max-unpacked SIZE if you trust the file"
                         : "--max-unpacked SIZE if you trust the file"};
}

Result<size_t> Feed::pull(std::span<char> into) {
  if (at_end_ || into.empty()) return size_t{0};
  auto n = source_->read(into);
  if (!n) return n;
  at_end_ = *n == 0;
  pulled_ += *n;
  if (budget_) {
    if (auto error = budget_->refuse(pulled_)) return *error;
  }
  return n;
}

Result<std::string_view> Feed::peek(size_t want) {
  while (end_ - begin_ < want && !at_end_) {
    if (!buffer_) buffer_ = std::make_unique_for_overwrite<char[]>(kBuffer);
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    auto n = pull({buffer_.get() + end_, kBuffer - end_});
    if (!n) return n.error();
    end_ += *n;
  }
  return std::string_view(buffer_.get() + begin_, end_ - begin_);
}

void Feed::consume(size_t n) {
  begin_ += n;
  offset_ += n;
}

Result<uint64_t> Feed::skip(uint64_t n) {
  uint64_t skipped = 0;
  while (skipped < n) {
    auto bytes = peek(1);
    if (!bytes) return bytes.error();
    if (bytes->empty()) break;
    const auto step = static_cast<size_t>(std::min<uint64_t>(bytes->size(), n - skipped));
    consume(step);
    skipped += step;
  }
  return skipped;
}

Result<size_t> Feed::read(std::span<char> into) {
  if (begin_ == end_) {
    auto n = pull(into);
    if (n) offset_ += *n;
    return n;
  }
  const size_t n = std::min(into.size(), end_ - begin_);
  if (n > 0) std::memcpy(into.data(), buffer_.get() + begin_, n);
  consume(n);
  return n;
}

}  // namespace unfrag::ingest::unpacking
