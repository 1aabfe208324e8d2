// What a shell hands to the dispatcher of the null device: which function was called.
//
// It stands in the writable data of a shell, a file that `unfrag` writes byte by byte (shell_library.h), and is read by
// another library in the program, so that its layout is a contract: plain data, no constructor, fixed offsets. The
// dispatcher is entered with the address of one in r11, all else as the caller left it.
// Threads: `name` and `library` never change; `rule` and `calls` are changed by any thread, so atomically.
#pragma once

#include <cstddef>
#include <cstdint>

namespace unfrag::null {

struct Entry {
  const char* name;     ///< The function, as the program names it: "cublasSgemm_v2".
  const char* library;  ///< The soname of its shell: "libcublas.so.13".
  const void* rule;     ///< What answers it, kept by the dispatcher; null until it has looked.
  uint64_t calls;       ///< How often it was called, counted by the dispatcher.
};
static_assert(sizeof(Entry) == 32);
static_assert(offsetof(Entry, name) == 0 && offsetof(Entry, library) == 8);
static_assert(offsetof(Entry, rule) == 16 && offsetof(Entry, calls) == 24);

}  // namespace unfrag::null
