// The tables of a shared library that the loader searches: names, their hash table, the versions that are defined.
//
// They are built in memory with the layout of the file; where they stand in it is for the writer of the file to say
// (shell_library.h). Threads: values and pure functions.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unfrag::rehearsal {

/// Names one behind the other, each ended by a zero byte and known by its offset; the first is empty.
class NameTable {
 public:
  /// Requires: no zero byte in `name`.
  uint32_t add(std::string_view name) {
    const auto at = static_cast<uint32_t>(bytes_.size());
    bytes_.append(name).push_back('\0');
    return at;
  }
  [[nodiscard]] std::string_view at(uint32_t offset) const { return bytes_.c_str() + offset; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_ = std::string(1, '\0');
};

/// The hash table (DT_GNU_HASH) of `symbols` from `first` on. Requires: those before `first` are not defined here.
/// Shape: hash_table_words(symbols.size() - first).
std::vector<uint32_t> hash_table(const NameTable& names, std::span<const Elf64_Sym> symbols, uint32_t first);
size_t hash_table_words(size_t defined);

/// The index of a library's first version; 0 is local, 1 the library itself.
constexpr uint16_t kFirstVersion = 2;

struct VersionDefinition {
  Elf64_Verdef version;
  Elf64_Verdaux name;
};

/// The definitions (DT_VERDEF) of the library itself, then of each of `versions`, all given by their names.
std::vector<VersionDefinition> version_definitions(const NameTable& names, uint32_t soname,
                                                   std::span<const uint32_t> versions);

}  // namespace unfrag::rehearsal
