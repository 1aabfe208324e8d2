// Bytes from somewhere, read once from front to back: a file, standard input, memory, or another source
// unpacked on the way. Everything above reads through this, so that plain and packed input of any size cost
// one buffer and never a second copy of the file.
//
// A source does not fail on damage: it ends early and says so (`end_note`), because what came before the damage
// is still good. Only a refused unpacking (too large) is an error. Threads: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace unfrag::ingest {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Reads at most `into.size()` bytes; fewer only where fewer are at hand; 0 means the end.
  /// Errors: kBadInput where unpacking would pass the limit or the container is one we cannot read.
  virtual Result<size_t> read(std::span<char> into) = 0;

  /// Why the source ended before its natural end ("the gzip data is damaged at byte 1234"), empty if it did not.
  /// Valid once `read` has returned 0.
  [[nodiscard]] virtual std::string end_note() const { return {}; }
};

/// Bytes of a file or of standard input. Does not close `stdin`.
class FileSource final : public ByteSource {
 public:
  /// Opens `path`, or standard input for "-". Errors: kBadInput with the system's reason (a directory too).
  static Result<std::unique_ptr<FileSource>> open(const std::string& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  Result<size_t> read(std::span<char> into) override;
  [[nodiscard]] std::string end_note() const override { return end_note_; }

 private:
  explicit FileSource(std::FILE* file) : file_(file) {}
  std::FILE* file_;
  std::string end_note_;
};

/// Bytes already in memory. Lives: the bytes outlive the source.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  Result<size_t> read(std::span<char> into) override;

 private:
  std::string_view bytes_;
};

}  // namespace unfrag::ingest
