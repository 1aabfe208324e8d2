// The file in which a rehearsed process keeps what its allocator did: written through a shared mapping, entry by entry,
// so that nothing is lost however the process ends, and read by its parent.
//
//   Header (one page) | Record | Record | text, in whole records | Record ...
//
// Numbers are the machine's own; the file never leaves it. `records` grows after a record is whole. Threads: several
// writers may interleave, and count atomically; a record is written before it is counted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace unfrag::allocation_log {

inline constexpr std::array<char, 8> kMagic = {'u', 'n', 'f', 'r', 'a', 'g', 'L', '1'};
inline constexpr uint32_t kMostCalls = 256;  ///< Functions without an answer that are counted apart.

inline constexpr size_t kLongestCall = 64;
inline constexpr uint32_t kThreads = 8;  ///< Whose last calls are kept apart.

/// What the null device's time is spent on.
enum class Family : uint8_t { kRuntime, kKernels, kMemory, kMath, kLog };
inline constexpr size_t kFamilies = 5;

struct Header {
  std::array<char, 8> magic{};
  uint32_t process = 0;
  uint32_t devices = 0;
  uint32_t entries_have_pool = 0;  ///< Else an entry says no pool: not before 2.7.
  uint32_t reserved = 0;
  uint64_t records = 0;                           ///< Whole ones, text included.
  uint64_t host_reads = 0;                        ///< Copies from device to host.
  uint64_t unknown_reads = 0;                     ///< ... of bytes that no copy from the host had put there.
  uint64_t dropped_bytes = 0;                     ///< Copied to the device and not kept.
  uint64_t launches = 0;                          ///< Kernels that were not run.
  uint64_t modelled = 0;                          ///< Sizes answered by a rule of thumb.
  uint32_t traced = 0;                            ///< 1: the allocator's entries are all here.
  uint32_t calls = 0;                             ///< Names in `unanswered`, each told by a record.
  std::array<uint32_t, kMostCalls> unanswered{};  ///< Calls of each.

  // The last call into the null device.
  std::array<std::array<char, kLongestCall>, kThreads> last_calls{};  ///< Of each thread: a name, ended by a zero.
  uint32_t last_thread = 0;  ///< Whose was the last, counted from 1, or who crashed; 0: nobody's.
  uint32_t at_exit = 0;      ///< 1: it crashed when Python was already shutting down.

  // With --timing, on the processor's clock; 0: not timed.
  uint64_t timed_from = 0;  ///< The first request for memory.
  uint64_t timed_to = 0;    ///< The end of the last call.
  std::array<uint64_t, kFamilies> ticks{};
};
static_assert(sizeof(Header) <= 4096);
inline constexpr uint64_t kRecordsAt = 4096;

enum class Kind : uint8_t {
  kNone,
  kEvent,       ///< An entry of the allocator.
  kText,        ///< `size` bytes follow, in whole records.
  kFrame,       ///< `number` is a line of the function named by `first` in the file named by `second`.
  kStack,       ///< Frame `first` on top of stack `second`.
  kSettings,    ///< Text `first` is what the allocator was told by the environment.
  kUnanswered,  ///< Row `number` of Header::unanswered counts the function named by `first`.
};

/// Texts, frames and stacks are numbered from 1 in the order in which they come; 0 is none.
struct Record {
  Kind kind = Kind::kNone;
  uint8_t action = 0;  ///< PyTorch's TraceEntry::Action.
  uint16_t device = 0;
  uint32_t number = 0;
  uint64_t addr = 0;  ///< What the device had left, for an out-of-memory entry.
  uint64_t size = 0;
  uint64_t stream = 0;
  uint64_t first = 0;  ///< Of an entry: its pool's id, both numbers.
  uint64_t second = 0;
  int64_t time_us = 0;
  uint32_t stack = 0;
  uint32_t thread = 0;
};
static_assert(sizeof(Record) == 64);

}  // namespace unfrag::allocation_log
