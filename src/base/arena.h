// Storage that only grows and never moves: runs of small values stay where they were put.
//
// Blocks double from 1 KiB to 256 KiB, so that a small table costs little and a large one wastes at most a block.
// Lives: spans stay valid as long as the arena, also when it is moved. Threads: one writer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace unfrag {

template <class T>
class Arena {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// Copies `values` in and returns the copy.
  std::span<const T> store(std::span<const T> values) {
    if (values.size() > free_) open_block(values.size());
    T* const begin = next_;
    std::copy(values.begin(), values.end(), begin);
    next_ += values.size();
    free_ -= values.size();
    return {begin, values.size()};
  }

 private:
  static constexpr size_t kFirst = 1024 / sizeof(T);
  static constexpr size_t kLargest = (size_t{256} << 10) / sizeof(T);

  void open_block(size_t at_least) {
    const size_t size = std::max(at_least, std::min(kLargest, kFirst << std::min<size_t>(blocks_.size(), 16)));
    blocks_.push_back(std::make_unique_for_overwrite<T[]>(size));
    next_ = blocks_.back().get();
    free_ = size;
  }

  std::vector<std::unique_ptr<T[]>> blocks_;
  T* next_ = nullptr;
  size_t free_ = 0;
};

}  // namespace unfrag
