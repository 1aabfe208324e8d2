// Which bytes of device memory mean something: those that a copy from the host put there.
//
// No kernel runs, so all else is unknown, and reads as zero: what an earlier tenant of a block left behind must not
// become a count or an index in the program. Small copies are kept in the device's own address space, large ones
// dropped. Not thread-safe: DeviceMemory holds the lock.
#pragma once

#include <cstdint>
#include <map>

namespace unfrag::null {

class Contents {
 public:
  /// [address, address + size) holds `from`, byte by byte. Requires: it can be written.
  void write(uint64_t address, const void* from, uint64_t size);
  void fill(uint64_t address, int value, uint64_t size);
  /// What is known of it, zeros for the rest. True where all of it is known.
  bool read(void* to, uint64_t address, uint64_t size) const;
  void copy(uint64_t to, uint64_t from, uint64_t size);
  void forget(uint64_t address, uint64_t size);

 private:
  void know(uint64_t address, uint64_t size);

  std::map<uint64_t, uint64_t> known_;  // begin → end; neither touch nor overlap
};

}  // namespace unfrag::null
