#include "rehearsal/null/contents.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace unfrag::null {
namespace {

/// What a part of a copy costs beside its bytes: two nodes and the heap's own.
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
    if (around->second.copy && around->second.end >= address + size) {
      std::memcpy(bytes_at(around->second, address), bytes, size);
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
  struct Part {
    uint64_t begin = 0;
    Run run;
    std::vector<char> bytes;
  };
  std::vector<Part> found;
  for (auto run = first_in(from); run != runs_.end() && run->first < from + size; ++run) {
    const uint64_t begin = std::max(run->first, from);
    const uint64_t end = std::min(run->second.end, from + size);
    Part part{.begin = begin - from + to, .run = {.end = end - from + to, .value = run->second.value}, .bytes = {}};
    if (run->second.copy) {
      const char* const bytes = bytes_at(run->second, begin);
      part.bytes.assign(bytes, bytes + (end - begin));
    }
    found.push_back(std::move(part));
  }
  forget(to, size);
  for (Part& part : found) {
    if (part.bytes.empty()) {
      runs_[part.begin] = part.run;
    } else {
      keep(part.begin, std::move(part.bytes));
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
    if (run->second.copy) {
      std::memcpy(place, bytes_at(run->second, first), last - first);
    } else {
      std::memset(place, run->second.value, last - first);
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

char* Contents::bytes_at(const Run& run, uint64_t address) {
  Copy& copy = **run.copy;
  return copy.bytes.data() + (address - copy.address);
}

void Contents::keep(uint64_t address, std::vector<char> bytes) {
  const uint64_t size = bytes.size();
  kept_ += size + kOverhead;
  Copies& list = copies(size);
  const auto copy = list.insert(list.end(), {.address = address, .bytes = std::move(bytes), .runs = 1});
  runs_[address] = {.end = address + size, .copy = copy};
}

Contents::Runs::iterator Contents::drop(Runs::iterator run) {
  if (run->second.copy) {
    const Copies::iterator copy = *run->second.copy;
    kept_ -= kOverhead;
    if (--copy->runs == 0) {
      const uint64_t size = copy->bytes.size();
      kept_ -= size;
      copies(size).erase(copy);
    }
  }
  return runs_.erase(run);
}

/// No run goes across an address any more. Cost: a map's search; what is on both sides still shares its copy.
void Contents::cut(uint64_t address) {
  const auto after = runs_.upper_bound(address);
  if (after == runs_.begin()) return;
  const auto run = std::prev(after);
  if (run->first == address || run->second.end <= address) return;
  runs_.emplace_hint(after, address, run->second);
  run->second.end = address;
  if (!run->second.copy) return;
  ++(*run->second.copy)->runs;
  kept_ += kOverhead;
}

uint64_t Contents::make_room() {
  uint64_t dropped = 0;
  while (kept_ > most_) {
    const Copies::iterator oldest = large_.empty() ? small_.begin() : large_.begin();
    const uint64_t end = oldest->address + oldest->bytes.size();
    uint64_t left = oldest->runs;
    for (auto run = runs_.lower_bound(oldest->address); left > 0 && run != runs_.end() && run->first < end;) {
      if (run->second.copy != oldest) {
        ++run;
        continue;
      }
      --left;
      dropped += run->second.end - run->first;
      run = drop(run);
    }
  }
  return dropped;
}

Contents::Copies& Contents::copies(uint64_t size) { return size > kSmall ? large_ : small_; }

}  // namespace unfrag::null
