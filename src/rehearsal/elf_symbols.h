// The functions and data that a library keeps to itself, by their mangled names, as its static symbol table says.
//
// That table is for debuggers: the loader does without it, and a stripped library has none. PyTorch's wheels have it.
// Any bytes give a result or an error. Threads: safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace unfrag::rehearsal {

struct ElfSymbol {
  std::string name;
  uint64_t offset = 0;  ///< From where the library is loaded.
  uint64_t size = 0;    ///< In bytes, as the table has it.
};

/// The functions and data whose mangled name begins with `prefix`, in the order of the file; none where the library is
/// stripped. Pieces that the compiler split off ("NAME.cold") are no functions. Errors: kBadInput.
/// Cost: reads the whole table and its names.
Result<std::vector<ElfSymbol>> find_symbols(const std::string& path, std::string_view prefix);

}  // namespace unfrag::rehearsal
