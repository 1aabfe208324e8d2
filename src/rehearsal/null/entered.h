// Every function that the program may call says here that it was entered: what is told of a crash is the last of them,
// and with --timing how long they take. But for those that PyTorch's guards call around every operation, whatever it
// is: the current device and context, the last error, whether a stream captures.
//
//   UNFRAG_NULL_API Status cudaFree(void* memory) {
//     const Entered entered;                           // or, in one line: return Entered(), kSuccess;
//
// `Entered` is each file's own name for EnteredIn<its family>. Cost: a few nanoseconds; with --timing two readings of
// the processor's clock. Threads: each has its own row, the first seven at least.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/allocation_log.h"

namespace unfrag::null {

using allocation_log::Family;

/// Beginning of a call by name. Returns the clock where the call is timed, else 0.
uint64_t enter(const char* name, size_t length);
/// End of a call that was begun.
void leave(Family family, uint64_t entered_at);
/// From now on calls are timed, if that was asked for.
void begin_timing();

template <Family kFamily>
class EnteredIn {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor)
  EnteredIn(const char* name = __builtin_FUNCTION()) : entered_at_(enter(name, __builtin_strlen(name))) {}
  ~EnteredIn() { leave(kFamily, entered_at_); }
  EnteredIn(const EnteredIn&) = delete;
  EnteredIn& operator=(const EnteredIn&) = delete;

 private:
  const uint64_t entered_at_;
};

}  // namespace unfrag::null
