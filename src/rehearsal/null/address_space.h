// The device addresses of this process: one large range of the host's, handed out from below, first fit, unless the
// stage wants them as the host's own mappings come.
//
// So the same single-threaded program gets the same addresses in every run, and segments ascend as they mostly do on a
// driver; where the host puts its own mappings has no say. Nothing is behind an address until it is written. Not
// thread-safe: DeviceMemory holds the lock.
#pragma once

#include <cstdint>
#include <map>

namespace unfrag::null {

class AddressSpace {
 public:
  enum class Order : uint8_t {
    kAscending,
    kAsHost,  ///< As the host's own mappings come: mostly downwards, into gaps first, not the same in every run.
  };
  explicit AddressSpace(Order order) : order_(order) {}

  /// `size` bytes that begin at a multiple of `alignment`, inaccessible; 0 where there is no such range left.
  uint64_t take(uint64_t size, uint64_t alignment);
  void give_back(uint64_t address, uint64_t size);

  /// Makes a range that was taken readable and writable, zeros at first; or inaccessible, and forgets it.
  static bool open(uint64_t address, uint64_t size);
  static bool close(uint64_t address, uint64_t size);

 private:
  void begin();
  static uint64_t take_from_host(uint64_t size, uint64_t alignment);

  std::map<uint64_t, uint64_t> free_;  // begin → end; no two touch
  const Order order_;
  bool begun_ = false;
};

}  // namespace unfrag::null
