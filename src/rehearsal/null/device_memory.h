// The devices' memory: address space without anything behind it, and accounts of how much of a device is taken.
//
// As on a driver, a device gives memory in whole granules of 2 MiB, and the context has its share beforehand. Memory
// can be had as a segment (cudaMalloc), or as address space and physical memory apart (cuMemAddressReserve,
// cuMemCreate, cuMemMap). Threads: safe, one lock.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "rehearsal/null/address_space.h"
#include "rehearsal/null/contents.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/unknown_values.h"

namespace unfrag::null {

inline constexpr uint64_t kGranule = uint64_t{2} << 20;

class DeviceMemory {
 public:
  explicit DeviceMemory(const Stage& stage);

  /// A segment of `size` bytes; nothing where the device has no room.
  std::optional<uint64_t> allocate(int device, uint64_t size);
  /// False where no segment begins there.
  bool free(uint64_t address);

  /// Physical memory, by a number of its own; it lives until it is released and mapped nowhere.
  std::optional<uint64_t> create(int device, uint64_t size);
  bool retain(uint64_t physical);
  bool release(uint64_t physical);
  std::optional<uint64_t> reserve(uint64_t size, uint64_t alignment);
  void unreserve(uint64_t address, uint64_t size);
  bool map(uint64_t address, uint64_t size, uint64_t physical);
  bool unmap(uint64_t address, uint64_t size);

  struct Place {
    int device = 0;
    uint64_t base = 0;
    uint64_t size = 0;
    uint64_t physical = 0;  ///< 0: a segment.
  };
  /// The memory that holds an address.
  [[nodiscard]] std::optional<Place> find(uint64_t address) const;
  [[nodiscard]] uint64_t free_bytes(int device) const;
  [[nodiscard]] uint64_t total_bytes() const { return total_; }

  // Copies, by where the two sides lie; a side that is no device's is the host's.
  void copy(void* to, const void* from, uint64_t size);
  void fill(void* to, int value, uint64_t size);
  /// A block of PyTorch's begins: nothing is known of it but what its elements are.
  void begin_block(uint64_t address, uint64_t size, ElementType type);
  /// ... and is given back: what was kept of it is of no use.
  void end_block(uint64_t address, uint64_t size);

 private:
  struct Physical {
    int device = 0;
    uint64_t size = 0;
    int references = 1;
    int mappings = 0;
  };

  bool take(int device, uint64_t size);
  void give_back(int device, uint64_t size);
  void drop_if_unused(std::map<uint64_t, Physical>::iterator physical);
  [[nodiscard]] const Place* place_of(uint64_t address) const;
  void copy_to_device(uint64_t to, const void* from, uint64_t size);
  void copy_to_host(void* to, uint64_t from, uint64_t size);
  void forget(uint64_t address, uint64_t size);

  mutable std::mutex mutex_;
  const uint64_t total_;
  const uint64_t largest_copy_;
  std::vector<uint64_t> taken_;       // by device
  std::map<uint64_t, Place> places_;  // by base
  std::map<uint64_t, Physical> physical_;
  uint64_t next_physical_ = 1;
  AddressSpace space_;
  Contents contents_;
  UnknownValues unknown_;
};

DeviceMemory& device_memory();

}  // namespace unfrag::null
