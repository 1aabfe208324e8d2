// What the log of one process says without its entries: who it was, what it held and when, and whether all is there.
// No Trace is made. Threads: calls share nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/allocation_log.h"
#include "base/kernel_image.h"
#include "base/strong.h"
#include "ingest/log_records.h"

namespace unfrag::ingest {

/// Functions that the null device had no answer for.
struct Unanswered {
  std::string function;  ///< Escaped, safe to print.
  uint32_t calls = 0;
};

/// From then on a process holds so much of a device.
struct Holding {
  int64_t time_us = 0;
  Bytes reserved;
};

struct LogSummary {
  allocation_log::Header header;
  uint64_t entries = 0;
  uint64_t num_ooms = 0;
  int64_t last_us = 0;                            ///< Of its last entry.
  std::map<int, std::vector<Holding>> devices{};  ///< Of each that was used, from its first entry on, in time's order.
  std::vector<Unanswered> unanswered{};
  std::vector<KernelImage> images{};  ///< Of the libraries whose kernels the process used.
  const char* fault = nullptr;        ///< Why the rest cannot be read; null where nothing is missing.

  /// What the process was started with, or the beginning of it; escaped.
  [[nodiscard]] std::string command() const;
  /// The function of the null device that was called last, or by the thread that crashed; escaped.
  [[nodiscard]] std::string last_call() const;
  /// A child that was forked from one that had used the device inherits its allocator, and no memory.
  [[nodiscard]] bool used_device() const { return entries > 0 && header.traced != 0; }
  /// The most held of one device.
  [[nodiscard]] Bytes peak_reserved() const;
};

/// The most of them.
Bytes peak_of(const std::vector<Holding>& holdings);

LogSummary summarize_log(LogRecords& log);

}  // namespace unfrag::ingest
