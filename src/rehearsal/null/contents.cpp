#include "rehearsal/null/contents.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace unfrag::null {
namespace {

/// What a copy costs beside its bytes: two nodes and the heap's own.
constexpr uint64_t kOverhead = 192;
/// Beyond it a copy is hardly a number that the program reads back.
constexpr uint64_t kSmall = 4096;

}  // namespace

uint64_t Contents::write(uint64_t address, const void* from, uint64_t size) {
  if (size == 0) return 0;
  const auto* const bytes = static_cast<const char*>(from);
  const auto after = runs_.upper_bound(address);
  if (after != runs_.begin()) {
    const auto around = std::prev(after);
    if (!around->second.bytes.empty() && around->second.end >= address + size) {
      std::memcpy(around->second.bytes.data() + (address - around->first), bytes, size);
      return 0;
    }
  }
  forget(address, size);
  keep(address, {bytes, bytes + size});
  return make_room();
}

void Contents::fill(uint64_t address, int value, uint64_t size) {
  if (size == 0) return;
  forget(address, size);
  runs_[address] = {.end = address + size, .value = static_cast<char>(value)};
}

uint64_t Contents::copy(uint64_t to, uint64_t from, uint64_t size) {
  if (size == 0) return 0;
  std::vector<std::pair<uint64_t, Run>> found;
  for (auto run = first_in(from); run != runs_.end() && run->first < from + size; ++run) {
    const uint64_t begin = std::max(run->first, from);
    Run part{.end = std::min(run->second.end, from + size) - from + to, .value = run->second.value};
    if (const auto& bytes = run->second.bytes; !bytes.empty()) {
      const auto first = bytes.begin() + static_cast<ptrdiff_t>(begin - run->first);
      part.bytes.assign(first, first + static_cast<ptrdiff_t>(part.end - to + from - begin));
    }
    found.emplace_back(begin - from + to, std::move(part));
  }
  forget(to, size);
  for (auto& [begin, run] : found) {
    if (run.bytes.empty()) {
      runs_[begin] = std::move(run);
    } else {
      keep(begin, std::move(run.bytes));
    }
  }
  return make_room();
}

void Contents::forget(uint64_t address, uint64_t size) {
  const uint64_t end = address + size;
  const auto first = first_in(address);
  if (first == runs_.end() || first->first >= end) return;
  cut(address);
  cut(end);
  for (auto run = runs_.lower_bound(address); run != runs_.end() && run->first < end;) run = drop(run);
}

std::vector<Contents::Range> Contents::read(void* to, uint64_t address, uint64_t size) const {
  std::vector<Range> unknown;
  const uint64_t end = address + size;
  uint64_t next = address;
  for (auto run = first_in(address); run != runs_.end() && run->first < end; ++run) {
    const uint64_t first = std::max(run->first, address);
    const uint64_t last = std::min(run->second.end, end);
    if (first > next) unknown.push_back({next, first});
    char* const place = static_cast<char*>(to) + (first - address);
    if (run->second.bytes.empty()) {
      std::memset(place, run->second.value, last - first);
    } else {
      std::memcpy(place, run->second.bytes.data() + (first - run->first), last - first);
    }
    next = last;
  }
  if (next < end) unknown.push_back({next, end});
  return unknown;
}

/// The first run that ends after an address.
Contents::Runs::const_iterator Contents::first_in(uint64_t address) const {
  const auto after = runs_.upper_bound(address);
  if (after == runs_.begin()) return after;
  const auto around = std::prev(after);
  return around->second.end > address ? around : after;
}

void Contents::keep(uint64_t address, std::vector<char> bytes) {
  const uint64_t size = bytes.size();
  kept_ += size + kOverhead;
  std::list<uint64_t>& list = ages(size);
  runs_[address] = {
      .end = address + size, .value = 0, .bytes = std::move(bytes), .age = list.insert(list.end(), address)};
}

Contents::Runs::iterator Contents::drop(Runs::iterator run) {
  if (const uint64_t size = run->second.bytes.size(); size > 0) {
    kept_ -= size + kOverhead;
    ages(size).erase(run->second.age);
  }
  return runs_.erase(run);
}

/// No run goes across an address any more.
void Contents::cut(uint64_t address) {
  const auto after = runs_.upper_bound(address);
  if (after == runs_.begin()) return;
  const auto run = std::prev(after);
  const uint64_t begin = run->first;
  const uint64_t end = run->second.end;
  if (begin == address || end <= address) return;
  if (run->second.bytes.empty()) {
    run->second.end = address;
    runs_[address] = {.end = end, .value = run->second.value};
    return;
  }
  const std::vector<char> bytes = std::move(run->second.bytes);
  const auto middle = bytes.begin() + static_cast<ptrdiff_t>(address - begin);
  kept_ -= bytes.size() + kOverhead;
  ages(bytes.size()).erase(run->second.age);
  runs_.erase(run);
  keep(begin, {bytes.begin(), middle});
  keep(address, {middle, bytes.end()});
}

uint64_t Contents::make_room() {
  uint64_t dropped = 0;
  while (kept_ > most_) {
    const auto oldest = runs_.find(large_.empty() ? small_.front() : large_.front());
    dropped += oldest->second.bytes.size();
    drop(oldest);
  }
  return dropped;
}

std::list<uint64_t>& Contents::ages(uint64_t size) { return size > kSmall ? large_ : small_; }

}  // namespace unfrag::null
