// The dynamic segment of an ELF file: where the tables stand that the loader reads, and how many symbols there are.
//
// Addresses and offsets are as the file gives them, not yet checked: ElfFile does so when they are read.
// Threads: pure functions of a file.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "rehearsal/elf_file.h"

namespace unfrag::rehearsal {

/// Offsets of names, addresses of tables and their sizes; 0 where the file has no such table.
struct ElfDynamic {
  std::vector<uint64_t> needed;
  std::optional<uint64_t> soname;
  uint64_t strings = 0;
  uint64_t strings_size = 0;
  uint64_t symbols = 0;
  uint64_t gnu_hash = 0;
  uint64_t hash = 0;
  uint64_t versions = 0;
  uint64_t needed_versions = 0;
  uint64_t needed_versions_count = 0;
  uint64_t relocations = 0;
};

/// Errors: kBadInput where there is none.
Result<ElfDynamic> read_dynamic(const ElfFile& file);

/// The length of the dynamic symbol table, by what else names its entries. Errors: kBadInput.
Result<uint64_t> count_symbols(const ElfFile& file, const ElfDynamic& dynamic);

}  // namespace unfrag::rehearsal
