#include "rehearsal/null/address_space.h"

#include <sys/mman.h>

#include <iterator>

#include "rehearsal/null/pointers.h"

namespace unfrag::null {
namespace {

/// Expandable segments reserve 9/8 of the device for each pool and stream: enough for a hundred of the largest.
constexpr uint64_t kMost = uint64_t{32} << 40;
constexpr uint64_t kLeast = uint64_t{64} << 30;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kAlignment = uint64_t{2} << 20;

uint64_t round_up(uint64_t n, uint64_t step) { return (n + step - 1) / step * step; }

}  // namespace

// As much as the host lets a process address: some limit it.
void AddressSpace::begin() {
  begun_ = true;
  for (uint64_t size = kMost; size >= kLeast; size /= 2) {
    void* const range = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) continue;
    madvise(range, size, MADV_NOHUGEPAGE);  // a small copy must not cost 2 MiB of the host's
    const auto first = to_number(range);
    free_[round_up(first, kAlignment)] = first + size;
    return;
  }
}

// What is mapped beyond the aligned range goes back at once.
uint64_t AddressSpace::take_from_host(uint64_t size, uint64_t alignment) {
  const uint64_t room = size + alignment - kPage;
  void* const range = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return 0;
  const auto first = to_number(range);
  const uint64_t address = round_up(first, alignment);
  if (address > first) munmap(range, address - first);
  if (first + room > address + size) munmap(to_pointer<void>(address + size), first + room - address - size);
  madvise(to_pointer<void>(address), size, MADV_NOHUGEPAGE);
  return address;
}

uint64_t AddressSpace::take(uint64_t size, uint64_t alignment) {
  if (order_ == Order::kAsHost) return take_from_host(size, alignment);
  if (!begun_) begin();
  for (auto range = free_.begin(); range != free_.end(); ++range) {
    const auto [begin, end] = *range;
    const uint64_t address = round_up(begin, alignment);
    if (address > end || end - address < size) continue;
    free_.erase(range);
    if (address > begin) free_[begin] = address;
    if (end > address + size) free_[address + size] = end;
    return address;
  }
  return 0;
}

void AddressSpace::give_back(uint64_t address, uint64_t size) {
  if (order_ == Order::kAsHost) {
    munmap(to_pointer<void>(address), size);
    return;
  }
  close(address, size);
  uint64_t end = address + size;
  auto next = free_.lower_bound(address);
  if (next != free_.end() && next->first == end) {
    end = next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin() && std::prev(next)->second == address) {
    std::prev(next)->second = end;
  } else {
    free_[address] = end;
  }
}

bool AddressSpace::open(uint64_t address, uint64_t size) {
  return mprotect(to_pointer<void>(address), size, PROT_READ | PROT_WRITE) == 0;
}

bool AddressSpace::close(uint64_t address, uint64_t size) {
  madvise(to_pointer<void>(address), size, MADV_DONTNEED);
  return mprotect(to_pointer<void>(address), size, PROT_NONE) == 0;
}

}  // namespace unfrag::null
