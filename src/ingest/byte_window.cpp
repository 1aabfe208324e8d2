#include "ingest/byte_window.h"

#include <algorithm>

namespace unfrag::ingest {

bool ByteWindow::fill(size_t wanted) {
  if (left() >= wanted || at_end_) return !error_;
  const size_t kept = left();
  std::memmove(buffer_.get(), at_, kept);
  base_ += static_cast<uint64_t>(at_ - buffer_.get());
  size_t filled = kept;
  while (filled < wanted) {
    const auto read = source_.read({reinterpret_cast<char*>(buffer_.get()) + filled, kSize - filled});
    if (!read) error_ = read.error();
    if (!read || *read == 0) {
      at_end_ = true;
      break;
    }
    filled += *read;
  }
  std::memset(buffer_.get() + filled, 0, kPad);
  at_ = buffer_.get();
  end_ = buffer_.get() + filled;
  return !error_;
}

bool ByteWindow::take(uint64_t count, std::string& out) {
  out.clear();
  while (count > 0) {
    if (!fill(1) || left() == 0) break;
    const size_t piece = static_cast<size_t>(std::min<uint64_t>(count, left()));
    out.append(reinterpret_cast<const char*>(at_), piece);
    at_ += piece;
    count -= piece;
  }
  return count == 0;
}

}  // namespace unfrag::ingest
