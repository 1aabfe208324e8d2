// Pinned host memory: real memory, and the table of it that pointer queries ask. Threads: safe, one lock.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

namespace unfrag::null {

class HostMemory {
 public:
  /// Zeroed pages; null where the host has none.
  void* allocate(uint64_t size);
  /// False where no such allocation begins there.
  bool free(void* memory);
  bool add(void* memory, uint64_t size);
  bool remove(void* memory);
  [[nodiscard]] bool holds(const void* address) const;

 private:
  mutable std::mutex mutex_;
  std::map<uint64_t, uint64_t> pinned_;  // begin → size
};

HostMemory& host_memory();

}  // namespace unfrag::null
