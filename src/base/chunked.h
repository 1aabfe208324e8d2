// A growing array in chunks: appending never moves what is there, so that building a table of millions of
// rows costs the rows and at most one chunk, not the half again that a doubling vector holds while it copies.
//
// Small arrays stay small: the first chunk grows like a vector. Not for erasing or inserting.
// Threads: safe to read from many once nobody appends.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/large_pages.h"

namespace unfrag {

template <class T>
class Chunked {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// Chunks of at most a large page, and of at most 256 Ki values.
  static constexpr size_t kShift = std::min<size_t>(18, std::bit_width(kLargePage / sizeof(T)) - 1);
  static constexpr size_t kChunk = size_t{1} << kShift;

  Chunked() = default;
  Chunked(Chunked&& other) noexcept { *this = std::move(other); }
  Chunked& operator=(Chunked&& other) noexcept {
    chunks_ = std::move(other.chunks_);
    size_ = std::exchange(other.size_, 0);
    next_ = std::exchange(other.next_, nullptr);
    end_ = std::exchange(other.end_, nullptr);
    return *this;
  }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  T& operator[](size_t i) { return chunks_[i >> kShift][i & (kChunk - 1)]; }
  const T& operator[](size_t i) const { return chunks_[i >> kShift][i & (kChunk - 1)]; }
  T& back() { return next_[-1]; }
  const T& back() const { return next_[-1]; }

  void push_back(T value) {
    if (next_ == end_) open();
    *next_++ = value;
    ++size_;
  }

  /// Whether the next push_back must find room first.
  [[nodiscard]] bool is_full() const { return next_ == end_; }
  /// push_back. Requires: !is_full().
  void push_back_here(T value) {
    *next_++ = value;
    ++size_;
  }

  /// Drops the values from `size` on. Requires: size <= size().
  void shrink(size_t size) {
    if (size == size_) return;
    const size_t chunks = (size + kChunk - 1) >> kShift;
    const bool same_chunk = chunks == chunks_.size() && size > 0;
    if (!same_chunk) {  // what is left fills its last chunk, or is cut inside a chunk that was whole
      chunks_.resize(chunks);
      end_ = chunks == 0 ? nullptr : chunks_.back().get() + kChunk;
    }
    next_ = chunks == 0 ? nullptr : chunks_.back().get() + (size - ((chunks - 1) << kShift));
    size_ = size;
  }

  /// The bytes this array holds on the heap.
  [[nodiscard]] size_t heap_bytes() const {
    const size_t unused = static_cast<size_t>(end_ - next_);
    return chunks_.capacity() * sizeof(chunks_[0]) + (size_ + unused) * sizeof(T);
  }

 private:
  static constexpr size_t kFirst = 64;
  static constexpr size_t kGrowth = 4;

  void open() {
    if (size_ == 0 || size_ >= kChunk) {
      const size_t capacity = size_ == 0 ? kFirst : kChunk;
      chunks_.push_back(allocate_table<T>(capacity));
      next_ = chunks_.back().get();
      end_ = next_ + capacity;
      return;
    }
    const size_t capacity = std::min(kGrowth * size_, kChunk);
    auto larger = allocate_table<T>(capacity);
    std::copy(chunks_[0].get(), chunks_[0].get() + size_, larger.get());
    chunks_[0] = std::move(larger);
    next_ = chunks_[0].get() + size_;
    end_ = chunks_[0].get() + capacity;
  }

  std::vector<TableMemory<T>> chunks_;
  size_t size_ = 0;
  T* next_ = nullptr;
  T* end_ = nullptr;
};

}  // namespace unfrag
