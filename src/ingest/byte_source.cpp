#include "ingest/byte_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace unfrag::ingest {
namespace {

Error cannot_open(const std::error_code& reason) {
  return {.kind = ErrorKind::kBadInput,
          .where = "",
          .what = "cannot be opened: " + reason.message(),
          .action = "another path"};
}

}  // namespace

Result<std::unique_ptr<FileSource>> FileSource::open(const std::string& path) {
  if (path == "-") return std::unique_ptr<FileSource>(new FileSource(stdin));
  // Some systems open a directory like a file and only fail to read it.
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return cannot_open(std::make_error_code(std::errc::is_a_directory));
  errno = 0;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return cannot_open({errno, std::generic_category()});
  return std::unique_ptr<FileSource>(new FileSource(file));
}

FileSource::~FileSource() {
  if (file_ != stdin) std::fclose(file_);
}

Result<size_t> FileSource::read(std::span<char> into) {
  if (!end_note_.empty() || into.empty()) return size_t{0};
  errno = 0;
  const size_t n = std::fread(into.data(), 1, into.size(), file_);
  if (n < into.size() && std::ferror(file_) != 0) {
    end_note_ = "the file cannot be read to its end: " + std::error_code(errno, std::generic_category()).message();
  }
  return n;
}

Result<size_t> MemorySource::read(std::span<char> into) {
  const size_t n = std::min(into.size(), bytes_.size());
  if (n > 0) std::memcpy(into.data(), bytes_.data(), n);
  bytes_.remove_prefix(n);
  return n;
}

}  // namespace unfrag::ingest
