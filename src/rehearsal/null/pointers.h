// Addresses as numbers and back: the device's memory is known by number, and so is every raw argument.
#pragma once

#include <cstdint>

namespace unfrag::null {

/// The memory at an address that arrived as a number.
template <typename T>
T* to_pointer(uint64_t address) {
  return reinterpret_cast<T*>(address);  // NOLINT(performance-no-int-to-ptr): no pointer is known to the compiler.
}
inline uint64_t to_number(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

}  // namespace unfrag::null
