// The records of an allocation log (base/allocation_log.h), each checked against those before it.
//
// What is damaged is not an error: it ends the records, and `fault` says why. Records that nobody finished are left
// out. Memory: the texts, and a byte a stack. Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "base/allocation_log.h"
#include "base/result.h"

namespace unfrag::ingest {

class LogRecords {
 public:
  /// Errors: kBadInput where the file has no header.
  static Result<LogRecords> open(const std::string& path);
  static Result<LogRecords> open(std::unique_ptr<std::istream> file, const std::string& path);

  [[nodiscard]] const allocation_log::Header& header() const { return header_; }
  /// The next one; null at the end. Lives: until the next call.
  const allocation_log::Record* next();
  /// The text of that number. Requires: a record that names it was returned.
  [[nodiscard]] const std::string& text(uint64_t number) const { return texts_[number - 1]; }
  /// Why what follows the last record cannot be read; null where nothing is missing.
  [[nodiscard]] const char* fault() const { return fault_; }

 private:
  LogRecords() = default;
  bool take(void* into, uint64_t records);
  const char* check(const allocation_log::Record& record);
  const char* take_text(const allocation_log::Record& record);
  const char* check_event(const allocation_log::Record& record) const;
  [[nodiscard]] const char* check_fraction(const allocation_log::Record& record) const;
  const char* check_stack(const allocation_log::Record& record);
  [[nodiscard]] bool is_text(uint64_t number) const { return number >= 1 && number <= texts_.size(); }

  std::unique_ptr<std::istream> file_;
  allocation_log::Header header_;
  allocation_log::Record record_;
  uint64_t records_ = 0;  // that may be there
  uint64_t read_ = 0;
  const char* fault_ = nullptr;
  std::vector<std::string> texts_;
  uint64_t frames_ = 0;
  std::vector<uint8_t> depths_;  // of stacks
  std::array<bool, allocation_log::kMostCalls> named_{};
};

}  // namespace unfrag::ingest
