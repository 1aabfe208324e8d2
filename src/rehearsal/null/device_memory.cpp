#include "rehearsal/null/device_memory.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "rehearsal/null/log.h"
#include "rehearsal/null/pointers.h"
#include "rehearsal/null/torch_types.h"

namespace unfrag::null {
namespace {

/// So many copies of the largest size are kept together.
constexpr uint64_t kCopiesKept = 256;

uint64_t round_up(uint64_t n, uint64_t step) { return (n + step - 1) / step * step; }

}  // namespace

DeviceMemory::DeviceMemory(const Stage& stage)
    : total_(stage.total_bytes),
      largest_copy_(stage.host_copy_bytes),
      taken_(static_cast<size_t>(stage.devices), stage.context_bytes),
      space_(stage.host_addresses ? AddressSpace::Order::kAsHost : AddressSpace::Order::kAscending),
      contents_(kCopiesKept * stage.host_copy_bytes),
      unknown_(stage.values) {}

// ---- Accounts ----

bool DeviceMemory::take(int device, uint64_t size) {
  uint64_t& taken = taken_[static_cast<size_t>(device)];
  if (size > total_ || taken > total_ - size) return false;
  taken += size;
  count(counters().held_bytes, size);
  return true;
}
void DeviceMemory::give_back(int device, uint64_t size) {
  taken_[static_cast<size_t>(device)] -= size;
  count(counters().held_bytes, -size);
}

uint64_t DeviceMemory::free_bytes(int device) const {
  const std::lock_guard lock(mutex_);
  const uint64_t taken = taken_[static_cast<size_t>(device)];
  return taken < total_ ? total_ - taken : 0;
}

// ---- Segments ----

std::optional<uint64_t> DeviceMemory::allocate(int device, uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (size > total_) return std::nullopt;
  const uint64_t whole = round_up(size, kGranule);
  if (!take(device, whole)) return std::nullopt;
  const uint64_t address = space_.take(whole, kGranule);
  if (address == 0 || !AddressSpace::open(address, whole)) {
    if (address != 0) space_.give_back(address, whole);
    give_back(device, whole);
    return std::nullopt;
  }
  places_[address] = {.device = device, .base = address, .size = whole};
  return address;
}

bool DeviceMemory::free(uint64_t address) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(address);
  if (place == places_.end() || place->second.physical != 0) return false;
  give_back(place->second.device, place->second.size);
  forget(address, place->second.size);
  space_.give_back(address, place->second.size);
  places_.erase(place);
  return true;
}

// ---- Address space and physical memory apart ----

std::optional<uint64_t> DeviceMemory::create(int device, uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (!take(device, size)) return std::nullopt;
  physical_[next_physical_] = {.device = device, .size = size};
  return next_physical_++;
}

bool DeviceMemory::retain(uint64_t physical) {
  const std::lock_guard lock(mutex_);
  const auto found = physical_.find(physical);
  if (found == physical_.end()) return false;
  ++found->second.references;
  return true;
}

bool DeviceMemory::release(uint64_t physical) {
  const std::lock_guard lock(mutex_);
  const auto found = physical_.find(physical);
  if (found == physical_.end() || found->second.references == 0) return false;
  --found->second.references;
  drop_if_unused(found);
  return true;
}

void DeviceMemory::drop_if_unused(std::map<uint64_t, Physical>::iterator physical) {
  if (physical->second.references > 0 || physical->second.mappings > 0) return;
  give_back(physical->second.device, physical->second.size);
  physical_.erase(physical);
}

std::optional<uint64_t> DeviceMemory::reserve(uint64_t size, uint64_t alignment) {
  const std::lock_guard lock(mutex_);
  const uint64_t address = space_.take(size, std::max(alignment, kGranule));
  return address == 0 ? std::nullopt : std::optional(address);
}

void DeviceMemory::unreserve(uint64_t address, uint64_t size) {
  const std::lock_guard lock(mutex_);
  space_.give_back(address, size);
}

bool DeviceMemory::map(uint64_t address, uint64_t size, uint64_t physical) {
  const std::lock_guard lock(mutex_);
  const auto found = physical_.find(physical);
  if (found == physical_.end() || size != found->second.size || place_of(address) != nullptr) return false;
  if (!AddressSpace::open(address, size)) return false;
  ++found->second.mappings;
  places_[address] = {.device = found->second.device, .base = address, .size = size, .physical = physical};
  return true;
}

bool DeviceMemory::unmap(uint64_t address, uint64_t size) {
  const std::lock_guard lock(mutex_);
  auto place = places_.find(address);
  if (place == places_.end()) return false;
  while (place != places_.end() && place->first < address + size) {
    if (const auto physical = physical_.find(place->second.physical); physical != physical_.end()) {
      --physical->second.mappings;
      drop_if_unused(physical);
    }
    place = places_.erase(place);
  }
  forget(address, size);
  return AddressSpace::close(address, size);
}

// ---- Looking up ----

const DeviceMemory::Place* DeviceMemory::place_of(uint64_t address) const {
  const auto after = places_.upper_bound(address);
  if (after == places_.begin()) return nullptr;
  const Place& place = std::prev(after)->second;
  return address < place.base + place.size ? &place : nullptr;
}

std::optional<DeviceMemory::Place> DeviceMemory::find(uint64_t address) const {
  const std::lock_guard lock(mutex_);
  const Place* const place = place_of(address);
  return place == nullptr ? std::nullopt : std::optional(*place);
}

// ---- Copies ----

void DeviceMemory::copy(void* to, const void* from, uint64_t size) {
  const std::lock_guard lock(mutex_);
  const bool to_device = place_of(to_number(to)) != nullptr;
  const bool from_device = place_of(to_number(from)) != nullptr;
  if (to_device && from_device) {
    count(counters().dropped_bytes, contents_.copy(to_number(to), to_number(from), size));
  } else if (to_device) {
    copy_to_device(to_number(to), from, size);
  } else if (from_device) {
    copy_to_host(to, to_number(from), size);
  } else {
    std::memmove(to, from, size);
  }
}

void DeviceMemory::copy_to_device(uint64_t to, const void* from, uint64_t size) {
  if (size <= largest_copy_) {
    count(counters().dropped_bytes, contents_.write(to, from, size));
  } else {
    contents_.forget(to, size);
    count(counters().dropped_bytes, size);
  }
}

void DeviceMemory::copy_to_host(void* to, uint64_t from, uint64_t size) {
  count(counters().host_reads);
  const auto unknown = contents_.read(to, from, size);
  if (!unknown.empty()) count(counters().unknown_reads);
  const bool no_failure = take_solver_question();
  for (const auto& [begin, end] : unknown) {
    char* const place = static_cast<char*>(to) + (begin - from);
    if (no_failure) {
      std::memset(place, 0, end - begin);
    } else {
      unknown_.read(place, begin, end - begin);
    }
  }
}

void DeviceMemory::fill(void* to, int value, uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (place_of(to_number(to)) == nullptr) {
    std::memset(to, value, size);
  } else {
    contents_.fill(to_number(to), value, size);
  }
}

void DeviceMemory::begin_block(uint64_t address, uint64_t size, ElementType type) {
  const std::lock_guard lock(mutex_);
  contents_.forget(address, size);
  unknown_.begin_block(address, size, type);
}

void DeviceMemory::end_block(uint64_t address, uint64_t size) {
  const std::lock_guard lock(mutex_);
  forget(address, size);
}

void DeviceMemory::forget(uint64_t address, uint64_t size) {
  contents_.forget(address, size);
  unknown_.end_blocks(address, size);
}

DeviceMemory& device_memory() {
  static auto* const memory = new DeviceMemory(stage());
  return *memory;
}

}  // namespace unfrag::null
