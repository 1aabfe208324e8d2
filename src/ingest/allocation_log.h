// The log of a rehearsed process (base/allocation_log.h) to a Trace: its entries, stacks and settings.
//
// A process that ends at any moment leaves no final state, so the Trace has no segments and is `truncated`; a replay
// that agrees with it knows them. Threads: one thread a call; calls share nothing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/allocation_log.h"
#include "base/result.h"
#include "trace/trace.h"

namespace unfrag::ingest {

/// Functions that the null device had no answer for.
struct Unanswered {
  std::string function;  ///< Escaped, safe to print.
  uint32_t calls = 0;
};

struct AllocationLog {
  std::unique_ptr<trace::Trace> trace;
  uint32_t process = 0;
  bool traced = false;         ///< Whether the allocator was listened to; else there are no entries.
  uint64_t host_reads = 0;     ///< Copies from device to host.
  uint64_t unknown_reads = 0;  ///< ... of what no copy from the host had put there.
  uint64_t dropped_bytes = 0;  ///< Copied to the device and not kept.
  uint64_t launches = 0;       ///< Kernels not run.
  uint64_t modelled = 0;       ///< Sizes by a rule of thumb.
  std::vector<Unanswered> unanswered;
  std::string last_call;     ///< The function that was called last, or by the thread that crashed; escaped.
  bool at_exit = false;      ///< It crashed when Python was already shutting down.
  uint64_t timed_ticks = 0;  ///< From the first request for memory to the last call; 0: not timed.
  std::array<uint64_t, allocation_log::kFamilies> ticks{};  ///< Of them, by allocation_log::Family.
};

/// `dialect`: the release of PyTorch that was rehearsed. Errors: kBadInput where the file is none, or says what cannot
/// be.
Result<AllocationLog> read_allocation_log(const std::string& path, trace::Dialect dialect);

}  // namespace unfrag::ingest
