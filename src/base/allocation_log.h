// The file in which a rehearsed process keeps what its allocator did: written through a shared mapping, entry by entry,
// so that nothing is lost however the process ends, and read by its parent.
//
//   Header (one page) | Record | Record | text, in whole records | Record ...
//
// Numbers are the machine's own; the file never leaves it. `records` grows after a record is whole. Threads: several
// writers may interleave, and count atomically; a record is written before it is counted.
#pragma once

#include <array>
#include <cstdint>

namespace unfrag::allocation_log {

inline constexpr std::array<char, 8> kMagic = {'u', 'n', 'f', 'r', 'a', 'g', 'L', '1'};
inline constexpr uint32_t kMostCalls = 256;  ///< Functions without an answer that are counted apart.

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
  uint64_t asked = 0;                             ///< Sizes that cuDNN itself answered.
  uint64_t dnn_version = 0;                       ///< ... as cudnnGetVersion says.
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
  kImage,       ///< Kernels that were used exist for architecture `number`: as PTX if `first`, exactly it if `second`.
  kWorkspace,   ///< The block at `addr` is a workspace of cuDNN, which said itself how large if `first`, else a rule.
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
