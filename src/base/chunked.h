// A growing array in chunks: appending never moves what is there, so that building a table of millions of
// rows costs the rows and at most one chunk, not the half again that a doubling vector holds while it copies.
//
// Small arrays stay small: the first chunk grows like a vector. Not for erasing or inserting.
// Threads: safe to read from many once nobody appends.
#pragma once

#include <cstddef>
#include <vector>

namespace unfrag {

template <class T>
class Chunked {
 public:
  static constexpr size_t kShift = 15;
  static constexpr size_t kChunk = size_t{1} << kShift;

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  T& operator[](size_t i) { return chunks_[i >> kShift][i & (kChunk - 1)]; }
  const T& operator[](size_t i) const { return chunks_[i >> kShift][i & (kChunk - 1)]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }

  void push_back(T value) {
    if ((size_ & (kChunk - 1)) == 0) open_chunk();
    chunks_.back().push_back(value);
    ++size_;
  }

  void clear() {
    chunks_.clear();
    size_ = 0;
  }

  /// The bytes this array holds on the heap.
  [[nodiscard]] size_t heap_bytes() const {
    size_t bytes = chunks_.capacity() * sizeof(std::vector<T>);
    for (const auto& chunk : chunks_) bytes += chunk.capacity() * sizeof(T);
    return bytes;
  }

 private:
  void open_chunk() {
    chunks_.emplace_back();
    if (size_ > 0) chunks_.back().reserve(kChunk);
  }

  std::vector<std::vector<T>> chunks_;
  size_t size_ = 0;
};

}  // namespace unfrag
