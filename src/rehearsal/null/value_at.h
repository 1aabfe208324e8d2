// What stands at an address that is known to be good. Threads: safe.
#pragma once

#include <cstdint>
#include <cstring>

namespace unfrag::null {

template <class T>
T value_at(uint64_t address) {
  T value;
  std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof value);
  return value;
}

}  // namespace unfrag::null
