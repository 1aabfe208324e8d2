#include "rehearsal/null/contents.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "rehearsal/null/pointers.h"

namespace unfrag::null {
namespace {

char* at(uint64_t address) { return to_pointer<char>(address); }

}  // namespace

void Contents::write(uint64_t address, const void* from, uint64_t size) {
  std::memmove(at(address), from, size);
  know(address, size);
}

void Contents::fill(uint64_t address, int value, uint64_t size) {
  std::memset(at(address), value, size);
  know(address, size);
}

bool Contents::read(void* to, uint64_t address, uint64_t size) const {
  std::memset(to, 0, size);
  const uint64_t end = address + size;
  uint64_t found = 0;
  auto run = known_.upper_bound(address);
  if (run != known_.begin()) --run;
  for (; run != known_.end() && run->first < end; ++run) {
    const uint64_t first = std::max(run->first, address);
    const uint64_t last = std::min(run->second, end);
    if (first >= last) continue;
    std::memcpy(static_cast<char*>(to) + (first - address), at(first), last - first);
    found += last - first;
  }
  return found == size;
}

void Contents::copy(uint64_t to, uint64_t from, uint64_t size) {
  std::vector<char> bytes(size);
  if (read(bytes.data(), from, size)) {
    write(to, bytes.data(), size);
  } else {
    forget(to, size);
  }
}

void Contents::forget(uint64_t address, uint64_t size) {
  const uint64_t end = address + size;
  auto run = known_.upper_bound(address);
  if (run != known_.begin()) --run;
  while (run != known_.end() && run->first < end) {
    const auto [first, last] = *run;
    if (last <= address) {
      ++run;
      continue;
    }
    run = known_.erase(run);
    if (first < address) known_.emplace(first, address);
    if (last > end) run = known_.emplace(end, last).first;
  }
}

void Contents::know(uint64_t address, uint64_t size) {
  if (size == 0) return;
  uint64_t end = address + size;
  auto run = known_.upper_bound(address);
  if (run != known_.begin() && std::prev(run)->second >= address) --run;
  while (run != known_.end() && run->first <= end) {
    address = std::min(address, run->first);
    end = std::max(end, run->second);
    run = known_.erase(run);
  }
  known_[address] = end;
}

}  // namespace unfrag::null
