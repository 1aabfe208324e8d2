// An ELF file for x86-64, opened to read a few ranges of it: by offset, or by the address it would be loaded at.
//
// It is neither loaded nor mapped (a library may be 1 GB, and one that is cut while it is mapped ends the reader), and
// nothing in it is believed: every range is checked against the size of the file before memory is taken for it, so
// that memory stays below the file's size. What the ranges mean is for the caller to know (elf_imports.h).
// Threads: const methods, any.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace unfrag::rehearsal {

class ElfFile {
 public:
  /// Opens `path` and reads its headers. Errors: kBadInput where it is not a whole program or library for x86-64.
  static Result<ElfFile> open(const std::string& path);
  ElfFile(ElfFile&& other) noexcept;
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;
  ElfFile& operator=(ElfFile&&) = delete;
  ~ElfFile();

  [[nodiscard]] const Elf64_Ehdr& header() const { return header_; }
  [[nodiscard]] std::span<const Elf64_Phdr> segments() const { return segments_; }
  /// Bytes of the file.
  [[nodiscard]] uint64_t size() const { return size_; }

  /// Where in the file the byte at `address` stands; nothing where no segment has it from the file.
  [[nodiscard]] std::optional<uint64_t> offset_of(uint64_t address) const;

  /// `count` values of a table of the file. Errors: kBadInput, "WHAT is beyond the end of the file".
  template <class T>
  Result<std::vector<T>> read(uint64_t offset, uint64_t count, std::string_view what) const {
    if (!fits(offset, count, sizeof(T))) return damage(std::string(what) + " is beyond the end of the file");
    std::vector<T> table(static_cast<size_t>(count));
    if (auto done = fill(offset, table.data(), table.size() * sizeof(T), what); !done) return done.error();
    return table;
  }
  /// The same of a table at an address.
  template <class T>
  Result<std::vector<T>> read_at(uint64_t address, uint64_t count, std::string_view what) const {
    const auto offset = offset_of(address);
    if (!offset) return damage(std::string(what) + " is not in the file");
    return read<T>(*offset, count, what);
  }

  /// An error about this file.
  [[nodiscard]] Error damage(std::string what) const;

 private:
  ElfFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  [[nodiscard]] bool fits(uint64_t offset, uint64_t count, uint64_t size) const {
    return offset <= size_ && count <= (size_ - offset) / size;
  }
  Result<bool> fill(uint64_t offset, void* into, size_t size, std::string_view what) const;
  Result<bool> read_headers();

  std::string path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
};

/// The name at `offset` of a string table; nothing where it is not in it or does not end in it.
std::optional<std::string_view> name_at(std::span<const char> strings, uint64_t offset);

}  // namespace unfrag::rehearsal
