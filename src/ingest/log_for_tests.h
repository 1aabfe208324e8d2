// Logs of rehearsed processes, written record by record, for tests of what reads them.
#pragma once

#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/allocation_log.h"
#include "ingest/log_records.h"

namespace unfrag::ingest {

struct LogForTests {
  allocation_log::Header header{
      .magic = allocation_log::kMagic, .process = 17, .devices = 2, .entries_have_pool = 1, .traced = 1};
  std::vector<allocation_log::Record> records{};

  LogForTests& add(const allocation_log::Record& record) {
    records.push_back(record);
    return *this;
  }

  /// With as many rows as its text takes, and a size that may say otherwise.
  LogForTests& add_text(uint32_t number, std::string_view text, uint64_t size) {
    add({.kind = allocation_log::Kind::kText, .action = allocation_log::kWhole, .number = number, .size = size});
    const size_t at = records.size();
    records.resize(at + allocation_log::rows_of(text.size()));
    if (!text.empty()) std::memcpy(static_cast<void*>(records.data() + at), text.data(), text.size());
    return *this;
  }
  LogForTests& add_text(uint32_t number, std::string_view text) { return add_text(number, text, text.size()); }

  LogForTests& add_event(uint8_t action, uint64_t addr, uint64_t size, uint32_t stack = 0) {
    return add({.kind = allocation_log::Kind::kEvent,
                .action = action,
                .addr = addr,
                .size = size,
                .time_us = static_cast<int64_t>(1000 + records.size()),
                .stack = stack});
  }

  [[nodiscard]] std::string bytes() const {
    allocation_log::Header whole = header;
    if (whole.claimed == 0) whole.claimed = records.size();
    std::string bytes(allocation_log::kRecordsAt, '\0');
    std::memcpy(bytes.data(), &whole, sizeof whole);
    const size_t size = records.size() * sizeof(allocation_log::Record);
    return bytes.append(reinterpret_cast<const char*>(records.data()), size);
  }
};

/// Of bytes that a file could have.
inline Result<LogRecords> open_bytes(std::string_view bytes) {
  return LogRecords::open(std::make_unique<std::istringstream>(std::string(bytes)), "log.17");
}

}  // namespace unfrag::ingest
