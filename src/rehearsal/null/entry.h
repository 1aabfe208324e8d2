// One function of an NVIDIA library that a shell stands in for: what it is called and how often it was.
//
// A shell writes one of these for each of its functions and hands its address to the dispatcher, so the layout is part
// of the machine code of every shell. It is not the answer: that is a Rule, found once and kept here.
// Threads: `calls` and `rule` are written by whoever calls; both are single words.
#pragma once

#include <cstdint>

namespace unfrag::null {

struct Entry {
  const char* name;
  const char* library;  ///< The soname that the shell carries, such as libcusolver.so.12.
  const void* rule;     ///< The Rule found for it, or null as long as nobody has looked.
  uint64_t calls;
};
static_assert(sizeof(Entry) == 32);

}  // namespace unfrag::null
