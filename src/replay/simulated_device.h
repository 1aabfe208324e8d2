// A device that is arithmetic: it hands out addresses and counts memory.
//
// Addresses follow those of a recording where a replay suggests them; else each new range lies above all before (or
// below, or by turns), unless a hole that a range given back has left is large enough. Memory comes in whole 2 MiB, as
// from real drivers. It writes what is done to segments into a log. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "alloc/driver.h"
#include "base/strong.h"
#include "replay/log.h"
#include "replay/setup.h"

namespace unfrag::replay {

class SimulatedDevice final : public alloc::Driver {
 public:
  SimulatedDevice(const Limits& limits, Direction direction, Log* log);

  /// Called where the allocator waits for events, all or those of one pool; must complete what waits.
  void on_synchronize(std::function<void(std::optional<alloc::PoolIdx>)> complete) { complete_ = std::move(complete); }
  /// The addresses that the next segments are to have, the next at the back.
  void suggest(std::vector<uint64_t> plain) { plain_ = std::move(plain); }
  /// Asked where a reservation is to lie; nothing: anywhere.
  void on_reserve(std::function<std::optional<uint64_t>(const alloc::Owner&)> base) { base_ = std::move(base); }
  /// Memory and address space that are there already.
  void adopt(Address addr, Bytes size);
  void adopt_reservation(Address base, Bytes size, const alloc::Owner& owner) {
    reserved_[base.value()] = {size, owner};
  }
  [[nodiscard]] uint64_t times_mapped() const { return times_mapped_; }
  /// Whether it lies in a reservation of that owner's. Others' may lie as close as the real device was small.
  [[nodiscard]] bool is_reserved(uint64_t addr, const alloc::Owner& owner) const;

  std::optional<Address> allocate_segment(Bytes size, const alloc::Owner& owner) override;
  void free_segment(Address addr, Bytes size, const alloc::Owner& owner) override;
  std::optional<Address> reserve(Bytes size, const alloc::Owner& owner) override;
  void release(Address addr, Bytes size) override;
  bool map(Address addr, Bytes size, Bytes page, const alloc::Owner& owner) override;
  void unmap(Address addr, Bytes size, Bytes page, const alloc::Owner& owner) override;
  [[nodiscard]] Bytes free_bytes() const override;
  void record_event(alloc::BlockId, alloc::StreamId) override {}
  void poll_events() override {}
  void synchronize(std::optional<alloc::PoolIdx> pool) override {
    if (complete_) complete_(pool);
  }

 private:
  struct Reservation {
    Bytes size;
    alloc::Owner owner;
  };

  bool take_memory(uint64_t bytes);
  uint64_t find_space(uint64_t size);
  std::optional<uint64_t> find_hole(uint64_t size, bool up);
  void give_space_back(uint64_t addr, uint64_t size);

  Log* log_;
  Direction direction_;
  uint64_t capacity_;
  uint64_t used_ = 0;
  uint64_t times_mapped_ = 0;
  bool up_;          // the next range lies above
  uint64_t lowest_;  // of the space used
  uint64_t highest_;
  std::map<uint64_t, uint64_t> holes_;        // address → size, of ranges given back
  std::map<uint64_t, Reservation> reserved_;  // by base
  std::vector<uint64_t> plain_;               // suggestions, the next at the back
  std::function<std::optional<uint64_t>(const alloc::Owner&)> base_;
  std::function<void(std::optional<alloc::PoolIdx>)> complete_;
};

}  // namespace unfrag::replay
