// Memory for large tables: asks the operating system for large pages, since a table of millions of rows otherwise
// costs a page fault every 4 KiB, which is a quarter of the time of reading a snapshot.
// Threads: safe.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "base/os.h"

namespace unfrag {

inline constexpr size_t kLargePage = size_t{2} << 20;

struct AlignedDelete {
  std::align_val_t alignment{alignof(std::max_align_t)};
  void operator()(void* memory) const { ::operator delete(memory, alignment); }
};
template <class T>
using TableMemory = std::unique_ptr<T[], AlignedDelete>;

/// Uninitialised room for `count` trivial values.
template <class T>
TableMemory<T> allocate_table(size_t count) {
  const size_t bytes = count * sizeof(T);
  const bool large = bytes >= kLargePage;
  const std::align_val_t alignment{large ? kLargePage : alignof(std::max_align_t)};
  auto* const memory = static_cast<T*>(::operator new(bytes, alignment));
  if (large) os::advise_large_pages(memory, bytes);
  return TableMemory<T>(memory, AlignedDelete{alignment});
}

}  // namespace unfrag
