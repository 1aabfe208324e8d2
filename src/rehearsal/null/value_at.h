// What stands at an address that is known to be good. Threads: safe.
#pragma once

#include <cstdint>
#include <cstring>

#include "rehearsal/null/pointers.h"

namespace unfrag::null {

template <class T>
T value_at(uint64_t address) {
  T value;
  std::memcpy(&value, to_pointer<const void>(address), sizeof value);
  return value;
}

}  // namespace unfrag::null
