// Reads a zip archive from front to back, by the headers before each file: standard input has no end to seek to,
// and an archive whose end is missing still gives what comes before the cut. Internal to unpack.
//
// What it is not: it does not read the directory at the end, so it sees files that were deleted by leaving them
// out there. Threads: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ingest/unpack_feed.h"
#include "ingest/unpack_layers.h"

namespace unfrag::ingest::unpacking {

/// What stands before a file in the archive.
struct ZipEntry {
  std::string name;  ///< As in the archive; for messages see excerpt().
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint64_t packed = 0;
  uint64_t unpacked = 0;

  [[nodiscard]] bool has_descriptor() const { return (flags & 8) != 0; }  ///< Checksum and sizes follow the file.
  /// Whether `packed` can be relied on: some writers leave it 0 and let the descriptor tell.
  [[nodiscard]] bool size_is_known() const;
};

class ZipReader {
 public:
  /// `budget` is for what must be unpacked only to find the end of a file nobody wants.
  ZipReader(std::unique_ptr<Feed> archive, Budget budget) : archive_(std::move(archive)), budget_(budget) {}

  /// Goes on to the next file; false where there is none.
  Result<bool> next();
  /// Requires: next() returned true.
  [[nodiscard]] const ZipEntry& entry() const { return entry_; }
  /// Why the file cannot be read at all: encrypted, or packed in a way we do not know.
  [[nodiscard]] std::optional<Error> refusal() const;
  /// Bytes of the file, unpacked; 0 is its end.   Requires: no refusal().
  Result<size_t> read(std::span<char> into);
  /// Why the file, or after next() returned false the archive, ended early.
  [[nodiscard]] const std::string& end_note() const { return note_; }
  [[nodiscard]] uint64_t offset() const { return archive_->offset(); }

 private:
  Result<bool> read_header();
  Result<std::string> take(size_t size);
  Result<std::string_view> packed_bytes();
  Result<size_t> step(std::span<char> into);
  Result<bool> finish();
  Result<bool> leave();
  Result<bool> throw_away();
  void end_early(const std::string& how);

  std::unique_ptr<Feed> archive_;
  Budget budget_;
  ZipEntry entry_;
  std::unique_ptr<Decoder> decoder_;  // None for a file that is stored as it is.
  bool inside_ = false;               // The archive stands before the end of the file or its descriptor.
  bool ended_ = true;                 // No more bytes of the file come out.
  bool at_descriptor_ = false;        // The end of a stored file of unknown size is found.
  uint64_t used_ = 0;                 // Of the file, packed and unpacked.
  uint64_t made_ = 0;
  uint64_t thrown_away_ = 0;  // Unpacked for nobody, of all files.
  uint32_t crc_ = 0;
  std::string note_;
};

}  // namespace unfrag::ingest::unpacking
