// The file of an allocation log (base/allocation_log.h) as its writers have it: mapped, and made longer when it is
// full.
//
// Only blocks that the file system has reserved are stored into, as a store into others ends the program by a signal.
// Where no more can be had, the log stops, says so in its header, and the program goes on.
//
//   | Header | records | room: reserved | address space up to `mapped` ...
//
// No descriptor stays open: it would be the program's to close, and its number the next file's.
// Threads: safe; a claim is one addition, and waits for others only where the file grows. Lives: as the process.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/allocation_log.h"

namespace unfrag::null {

/// Microseconds since the Unix epoch.
int64_t now_us();

class LogFile {
 public:
  struct Facts {
    uint32_t devices = 0;
    bool entries_have_pool = false;
  };
  /// A new file of this process in `folder`; one that it left before it became another program stays.
  /// Nothing where none can be made.
  static std::unique_ptr<LogFile> create(const std::string& folder, const Facts& facts);

  [[nodiscard]] allocation_log::Header& header() { return *header_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// False once it has stopped.
  [[nodiscard]] bool takes_records() const;

  void write(const allocation_log::Record& record);
  void write_text(uint32_t number, std::string_view text);

 private:
  LogFile() = default;
  void begin(int file, const Facts& facts);
  /// Room for records in a row; null where it has stopped.
  allocation_log::Record* claim(uint64_t count);
  bool make_room(uint64_t records);
  allocation_log::Stop extend(int file, uint64_t least);
  void stop(allocation_log::Stop why);

  std::string path_;
  allocation_log::Header* header_ = nullptr;
  allocation_log::Record* records_ = nullptr;
  std::atomic<uint64_t> room_{0};  // records that may be written to

  std::mutex growing_;   // guards all below
  uint64_t mapped_ = 0;  // bytes, as the next
  uint64_t size_ = 0;
  int error_ = 0;
};

}  // namespace unfrag::null
