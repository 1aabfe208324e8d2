// The file in which a rehearsed process keeps what its allocator did: written through a shared mapping, entry by entry,
// so that nothing is lost however the process ends, and read by its parent.
//
//   Header (one page) | Record | Record | text, in whole records | Record ...
//
// Numbers are the machine's own; the file never leaves it. Threads: several writers at once. Each claims records in a
// row by adding to `claimed`, fills them, and says last what they are: a record that its writer did not come to finish
// is of kind kNone. A text says first how long it is, so that one is stepped over that is not whole. What a record
// names was whole before it was claimed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace unfrag::allocation_log {

inline constexpr const char* kFilePrefix = "log.";  ///< Then the process's number.
inline constexpr std::array<char, 8> kMagic = {'u', 'n', 'f', 'r', 'a', 'g', 'L', '2'};
inline constexpr uint32_t kMostCalls = 256;   ///< Functions without an answer that are counted apart.
inline constexpr uint32_t kMostFrames = 128;  ///< Of a stack.
inline constexpr uint64_t kLongestText = uint64_t{128} << 10;
inline constexpr uint64_t kMostBytes = uint64_t{64} << 30;  ///< Of a file.

/// Why nothing more is written.
enum class Stop : uint32_t {
  kNone,
  kDisk,           ///< The file system has no more room, or gives the file no more: Header::stop_error.
  kFileSizeLimit,  ///< RLIMIT_FSIZE.
  kAddressSpace,   ///< No more of the file can be mapped.
  kLength,         ///< kMostBytes.
};

inline constexpr size_t kLongestCall = 64;
inline constexpr size_t kLongestCommand = 256;
inline constexpr uint32_t kThreads = 8;  ///< Whose last calls are kept apart.

/// What the null device's time is spent on.
enum class Family : uint8_t { kRuntime, kKernels, kMemory, kMath, kLog };
inline constexpr size_t kFamilies = 5;

struct Header {
  std::array<char, 8> magic{};  ///< Written last: zero where the process was killed before that.
  uint32_t process = 0;
  uint32_t devices = 0;
  uint32_t entries_have_pool = 0;  ///< Else an entry says no pool: not before 2.7.
  Stop stop = Stop::kNone;
  uint64_t claimed = 0;        ///< Records, text included; more than there are where it stopped.
  uint64_t lost = 0;           ///< Entries that came after it stopped.
  int64_t began_us = 0;        ///< Like times of entries.
  int64_t ended_us = 0;        ///< 0: a signal ended the process, or another program took it over.
  uint64_t host_reads = 0;     ///< Copies from device to host.
  uint64_t unknown_reads = 0;  ///< ... of bytes that no copy from the host had put there.
  uint64_t dropped_bytes = 0;  ///< Copied to the device and not kept.
  uint64_t launches = 0;       ///< Kernels that were not run.
  uint64_t held_bytes = 0;     ///< Of all devices, now.
  uint64_t modelled = 0;       ///< Sizes answered by a rule of thumb.
  uint32_t traced = 0;         ///< 1: the allocator's entries are all here.
  uint32_t calls = 0;          ///< Names in `unanswered`, each told by a record.
  int32_t stop_error = 0;      ///< An errno.
  uint32_t unused = 0;
  std::array<uint32_t, kMostCalls> unanswered{};  ///< Calls of each.

  // The last call into the null device.
  std::array<std::array<char, kLongestCall>, kThreads> last_calls{};  ///< Of each thread: a name, ended by a zero.
  uint32_t last_thread = 0;  ///< Whose was the last, counted from 1, or who crashed; 0: nobody's.
  uint32_t at_exit = 0;      ///< 1: it crashed when Python was already shutting down.

  // With --timing, on the processor's clock; 0: not timed.
  uint64_t timed_from = 0;  ///< The first request for memory.
  uint64_t timed_to = 0;    ///< The end of the last call.
  std::array<uint64_t, kFamilies> ticks{};

  // cuDNN, where it was asked.
  uint64_t asked = 0;        ///< Sizes that it answered.
  uint64_t dnn_version = 0;  ///< As cudnnGetVersion says.

  std::array<char, kLongestCommand> command{};  ///< What the process was started with: words, each ended by a zero.
};
inline constexpr uint64_t kRecordsAt = 4096;
static_assert(sizeof(Header) <= kRecordsAt);

enum class Kind : uint8_t {
  kNone,
  kEvent,       ///< An entry of the allocator.
  kText,        ///< `size` bytes follow, in whole records; `action` is kWhole when they are there.
  kFrame,       ///< `number` is line `size` of the function named by `first` in the file named by `second`.
  kStack,       ///< Frame `first` on top of stack `second`.
  kSettings,    ///< Text `first` is what the allocator was told, by the environment or, if `number`, by the program.
  kUnanswered,  ///< Row `number` of Header::unanswered counts the function named by `first`.
  kImage,       ///< Kernels that were used exist for architecture `number`: as PTX if `first`, exactly it if `second`.
  kFraction,    ///< The program set a device's memory fraction: the bits of a double in `size`.
  kWorkspace,   ///< The block at `addr` is a workspace of cuDNN, which said itself how large if `first`, else a rule.
};
inline constexpr uint8_t kWhole = 1;

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
  int64_t time_us = 0;  ///< Since the Unix epoch.
  uint32_t stack = 0;
  uint32_t unused = 0;
};
static_assert(sizeof(Record) == 64);
inline constexpr uint64_t kMostRecords = (kMostBytes - kRecordsAt) / sizeof(Record);

/// Records that hold so many bytes of text.
constexpr uint64_t rows_of(uint64_t text) { return (text + sizeof(Record) - 1) / sizeof(Record); }

}  // namespace unfrag::allocation_log
