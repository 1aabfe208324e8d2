#include "replay/simulated_device.h"

#include <limits>

#include "alloc/rounding.h"

namespace unfrag::replay {
namespace {

/// cudaMalloc and cuMemCreate take whole pages of 2 MiB.
constexpr uint64_t kGranule = alloc::kSmallSegment.value();
/// Within the 47 bits of user space, so that viewers with 53-bit numbers read every address.
constexpr uint64_t kLowest = 0x1000'0000'0000;
constexpr uint64_t kHighest = 0x7FFF'0000'0000;
/// Of the holes that ranges given back have left, only so many are looked at: the search stays short.
constexpr int kMostHoles = 64;

uint64_t first_address(Direction direction) {
  if (direction == Direction::kByTurns) return kLowest + (kHighest - kLowest) / 2 / kGranule * kGranule;
  return direction == Direction::kUp ? kLowest : kHighest;
}

uint64_t round_up(uint64_t n, uint64_t step) { return (n + step - 1) / step * step; }

std::optional<uint64_t> take_last(std::vector<uint64_t>& from) {
  if (from.empty()) return std::nullopt;
  const uint64_t last = from.back();
  from.pop_back();
  return last;
}

}  // namespace

SimulatedDevice::SimulatedDevice(const Limits& limits, Direction direction, Log* log)
    : log_(log),
      direction_(direction),
      capacity_(limits.capacity ? limits.capacity->value() : std::numeric_limits<uint64_t>::max()),
      up_(direction != Direction::kDown),
      lowest_(first_address(direction)),
      highest_(lowest_) {}

void SimulatedDevice::adopt(Address addr, Bytes size) {
  used_ += round_up(size.value(), kGranule);
  highest_ = std::max(highest_, addr.value() + size.value());
  lowest_ = std::min(lowest_, addr.value());
}

bool SimulatedDevice::take_memory(uint64_t bytes) {
  if (bytes > capacity_ || used_ > capacity_ - bytes) return false;
  used_ += bytes;
  return true;
}

std::optional<Address> SimulatedDevice::allocate_segment(Bytes size, const alloc::Owner& owner) {
  if (!take_memory(round_up(size.value(), kGranule))) return std::nullopt;
  const auto suggested = take_last(plain_);
  const Address addr(suggested ? *suggested : find_space(size.value()));
  if (log_ != nullptr) log_->add(trace::Action::kSegmentAlloc, addr.value(), size.value(), owner);
  return addr;
}

void SimulatedDevice::free_segment(Address addr, Bytes size, const alloc::Owner& owner) {
  used_ -= round_up(size.value(), kGranule);
  give_space_back(addr.value(), size.value());
  if (log_ != nullptr) log_->add(trace::Action::kSegmentFree, addr.value(), size.value(), owner);
}

std::optional<Address> SimulatedDevice::reserve(Bytes size, const alloc::Owner& owner) {
  const auto known = base_ ? base_(owner) : std::nullopt;
  const uint64_t base = known ? *known : find_space(size.value());
  reserved_[base] = {size, owner};
  return Address(base);
}

void SimulatedDevice::release(Address addr, Bytes size) {
  reserved_.erase(addr.value());
  give_space_back(addr.value(), size.value());
}

bool SimulatedDevice::is_reserved(uint64_t addr, const alloc::Owner& owner) const {
  for (auto one = reserved_.upper_bound(addr); one != reserved_.begin();) {
    --one;
    if (one->second.owner == owner) return addr - one->first < one->second.size.value();
  }
  return false;
}

bool SimulatedDevice::map(Address addr, Bytes size, Bytes page, const alloc::Owner& owner) {
  if (!take_memory(size.value() / page.value() * round_up(page.value(), kGranule))) return false;
  ++times_mapped_;
  if (log_ != nullptr) log_->add(trace::Action::kSegmentMap, addr.value(), size.value(), owner);
  return true;
}

void SimulatedDevice::unmap(Address addr, Bytes size, Bytes page, const alloc::Owner& owner) {
  used_ -= size.value() / page.value() * round_up(page.value(), kGranule);
  if (log_ != nullptr) log_->add(trace::Action::kSegmentUnmap, addr.value(), size.value(), owner);
}

Bytes SimulatedDevice::free_bytes() const { return Bytes(capacity_ > used_ ? capacity_ - used_ : 0); }

uint64_t SimulatedDevice::find_space(uint64_t size) {
  size = round_up(size, kGranule);
  const bool up = up_;
  if (direction_ == Direction::kByTurns) up_ = !up_;
  if (const auto hole = find_hole(size, up)) return *hole;
  if (up) {
    highest_ += size;
    return highest_ - size;
  }
  lowest_ -= size;
  return lowest_;
}

std::optional<uint64_t> SimulatedDevice::find_hole(uint64_t size, bool up) {
  int looked_at = 0;
  if (up) {
    for (auto hole = holes_.begin(); hole != holes_.end() && looked_at < kMostHoles; ++hole, ++looked_at) {
      if (hole->second < size) continue;
      const auto [addr, room] = *hole;
      holes_.erase(hole);
      if (room > size) holes_.emplace(addr + size, room - size);
      return addr;
    }
    return std::nullopt;
  }
  for (auto hole = holes_.rbegin(); hole != holes_.rend() && looked_at < kMostHoles; ++hole, ++looked_at) {
    if (hole->second < size) continue;
    hole->second -= size;
    const uint64_t addr = hole->first + hole->second;
    if (hole->second == 0) holes_.erase(hole->first);
    return addr;
  }
  return std::nullopt;
}

void SimulatedDevice::give_space_back(uint64_t addr, uint64_t size) {
  size = round_up(size, kGranule);
  const auto after = holes_.lower_bound(addr);
  if (after != holes_.end() && after->first == addr + size) {
    size += after->second;
    holes_.erase(after);
  }
  if (const auto next = holes_.lower_bound(addr); next != holes_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == addr) {
      before->second += size;
      return;
    }
  }
  holes_[addr] = size;
}

}  // namespace unfrag::replay
