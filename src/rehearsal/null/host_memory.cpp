#include "rehearsal/null/host_memory.h"

#include <sys/mman.h>

#include <iterator>

#include "rehearsal/null/pointers.h"

namespace unfrag::null {

void* HostMemory::allocate(uint64_t size) {
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const std::lock_guard lock(mutex_);
  pinned_[to_number(memory)] = size;
  return memory;
}

bool HostMemory::free(void* memory) {
  const std::lock_guard lock(mutex_);
  const auto found = pinned_.find(to_number(memory));
  if (found == pinned_.end()) return false;
  munmap(memory, found->second);
  pinned_.erase(found);
  return true;
}

bool HostMemory::add(void* memory, uint64_t size) {
  const std::lock_guard lock(mutex_);
  return pinned_.try_emplace(to_number(memory), size).second;
}

bool HostMemory::remove(void* memory) {
  const std::lock_guard lock(mutex_);
  return pinned_.erase(to_number(memory)) > 0;
}

bool HostMemory::holds(const void* address) const {
  const std::lock_guard lock(mutex_);
  const auto after = pinned_.upper_bound(to_number(address));
  if (after == pinned_.begin()) return false;
  const auto& [begin, size] = *std::prev(after);
  return to_number(address) < begin + size;
}

HostMemory& host_memory() {
  static auto* const memory = new HostMemory;
  return *memory;
}

}  // namespace unfrag::null
