// What the text of an out-of-memory error or a torch.cuda.memory_summary() table says: figures as printed, and no
// conclusion from them. A snapshot is a Trace; this is what there is without one.
// Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace unfrag::trace {

/// A number as it was printed, in bytes where it is a size. The true one lies in [low, high].
struct Printed {
  uint64_t value = 0;
  uint64_t low = 0;
  uint64_t high = 0;
  std::string text;  ///< "13.99 GiB": digits and a known unit, safe to print.
};
using PrintedOrNot = std::optional<Printed>;

/// The layouts of the message.
enum class MessageForm : uint8_t {
  kParentheses,  ///< Until 2.0: "(GPU 0; 14.76 GiB total capacity; ...)".
  kSentences,    ///< From 2.1: "GPU 0 has a total capacity of 14.75 GiB of which ...".
  kAsync,        ///< backend:cudaMallocAsync: "would exceed allowed memory" and a list.
  kMps,          ///< "MPS backend out of memory (MPS allocated: ...)".
  kShort,        ///< "Tried to allocate" and no more than that.
  kBare,         ///< No figure at all; see BareError.
};

/// Errors that come without figures.
enum class BareError : uint8_t {
  kNone,
  kOutOfMemory,  ///< "CUDA out of memory." with the rest cut off.
  kDriver,       ///< "CUDA error: out of memory", cudaErrorMemoryAllocation: not from PyTorch's allocator.
  kLibrary,      ///< CUBLAS_STATUS_ALLOC_FAILED and its like.
  kTooLarge,     ///< "Tried to allocate more than 1EB memory."
  kRejected,     ///< "preemptively rejected": throw_on_cudamalloc_oom.
  kHost,         ///< DefaultCPUAllocator: the host's memory.
};

/// One process of "Process 12345 has 14.73 GiB memory in use".
struct ProcessUse {
  std::optional<uint64_t> pid;  ///< Nothing: "this process".
  PrintedOrNot bytes;           ///< Nothing: the driver did not tell (printed as 17179869184.00 GiB).
};

struct OomMessage {
  MessageForm form = MessageForm::kBare;
  BareError bare = BareError::kNone;
  std::string backend;   ///< "CUDA", "HIP", "XPU", "MPS", ... as printed; empty where not.
  std::string releases;  ///< The PyTorch releases that print this form: "1.4 to 2.0"; empty where unknown.
  std::optional<uint32_t> device;
  PrintedOrNot requested;     ///< Of the driver, but with kAsync and kMps by the program.
  PrintedOrNot total;         ///< Of the device.
  PrintedOrNot free;          ///< As the driver says.
  PrintedOrNot limit;         ///< "6.00 GiB allowed": set_per_process_memory_fraction; MPS: the high watermark.
  PrintedOrNot allocated;     ///< With `private_free` in it where that is there.
  PrintedOrNot reserved;      ///< Until 2.0.
  PrintedOrNot unallocated;   ///< "reserved by PyTorch but unallocated"; until 1.3 "cached".
  PrintedOrNot private_free;  ///< "allocated in private pools": in truth their free blocks.
  PrintedOrNot other;         ///< MPS: "other allocations".
  std::vector<ProcessUse> processes;
};

/// The messages that come after the one explained and tell a size at most: its repetitions, or other failures.
struct LaterMessages {
  uint64_t count = 0;
  uint64_t of_another_size = 0;
  PrintedOrNot requested;  ///< By the last of those of another size.
};

/// A row of the table: a size, or a number of allocations.
struct SummaryRow {
  Printed current;
  Printed peak;
  Printed allocated;  ///< In total, ever.
  Printed freed;
};
using SummaryRowOrNot = std::optional<SummaryRow>;

struct MemorySummary {
  std::optional<uint32_t> device;
  std::optional<uint64_t> ooms;
  std::optional<uint64_t> retries;
  SummaryRowOrNot allocated, active, requested, reserved, non_releasable;       ///< Sizes.
  SummaryRowOrNot allocations, active_allocs, segments, non_releasable_allocs;  ///< Counts.
  SummaryRowOrNot oversize_allocations, oversize_segments;                      ///< Counts.
};

/// All that a text says: the last message with figures and the last table, and how many there are.
struct MessageFacts {
  std::optional<OomMessage> message;
  uint64_t messages = 0;
  LaterMessages later;
  std::optional<MemorySummary> summary;
  uint64_t summaries = 0;
};

}  // namespace unfrag::trace
