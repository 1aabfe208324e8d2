// What stands at an address that is known to be good. Threads: safe.
#pragma once

#include <cstdint>
#include <cstring>

namespace unfrag::null {

inline void* pointer_to(uint64_t address) {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr): what is there is another program's.
}

template <class T>
T value_at(uint64_t address) {
  T value;
  std::memcpy(&value, pointer_to(address), sizeof value);
  return value;
}

}  // namespace unfrag::null
