// PyTorch's own caching allocator, as an object in the program's memory. Threads: safe.
#pragma once

#include <cstdint>
#include <optional>

namespace unfrag::null {

struct NativeAllocator {
  uint64_t base = 0;    ///< Where libc10_cuda.so was loaded.
  uint64_t object = 0;  ///< It begins with the address of its table of virtual functions.
};

/// Nothing before the library is loaded, where the program uses another allocator (backend:cudaMallocAsync, a pluggable
/// one), and where it is another PyTorch than the one that is rehearsed: that is counted as a function without an
/// answer if `says_so`.
std::optional<NativeAllocator> find_native_allocator(bool says_so);

/// A table begins after two words: the offset to the top and the type.
inline constexpr uint64_t kTableStart = 2 * sizeof(uint64_t);

}  // namespace unfrag::null
