// What an allocator did, entry by entry, as a snapshot's trace would say it. Threads: one writer.
#pragma once

#include <cstdint>
#include <vector>

#include "alloc/driver.h"
#include "trace/trace.h"

namespace unfrag::replay {

inline constexpr uint32_t kNoEntry = UINT32_MAX;

struct LogEntry {
  trace::Action action = trace::Action::kUnknown;
  alloc::PoolIdx pool{};
  uint32_t origin = kNoEntry;  ///< The entry of the recording that made the program ask.
  uint64_t addr = 0;           ///< For an out-of-memory entry what the device had left.
  uint64_t size = 0;
  alloc::StreamId stream = 0;
};

struct Log {
  std::vector<LogEntry> entries;
  uint32_t origin = kNoEntry;  ///< Of what is logged from now on.

  void add(trace::Action action, uint64_t addr, uint64_t size, const alloc::Owner& owner) {
    entries.push_back(
        {.action = action, .pool = owner.pool, .origin = origin, .addr = addr, .size = size, .stream = owner.stream});
  }
};

}  // namespace unfrag::replay
