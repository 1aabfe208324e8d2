// A shell: the bytes of a small shared library that stands for one of NVIDIA's, with its soname, its symbol versions
// and a definition of every symbol it is asked for.
//
//   cublasSgemm_v2@@libcublas.so.13:  endbr64; lea entry(%rip), %r11; jmp *dispatcher(%rip)
//
// A function tells the dispatcher, which another library defines, which entry (null/entry.h) was called, and leaves the
// arguments as they are: what to do with them is the dispatcher's. An object is 4096 zeroed bytes. There are no section
// headers: the loader needs none. For Linux on x86-64. Threads: pure function.
#pragma once

#include <string>
#include <vector>

#include "base/strong.h"

namespace unfrag::rehearsal {

/// Row of ShellLibrary::versions; none: the symbol has no version.
using ShellVersion = Index<struct ShellVersionTag>;

struct ShellSymbol {
  std::string name;
  ShellVersion version;
  bool operator==(const ShellSymbol&) const = default;
};

/// Requires: no symbol twice, no zero byte in a name, fewer than 32,000 versions.
struct ShellLibrary {
  std::string soname;
  std::vector<std::string> versions = {};
  std::vector<ShellSymbol> functions = {};
  std::vector<ShellSymbol> objects = {};
};

/// Who receives the calls.
struct Dispatcher {
  std::string library;  ///< What a shell is linked with: a soname, or an absolute path.
  std::string symbol;   ///< The function in it.
};

/// The file's bytes: the same for the same library.
std::string to_elf(const ShellLibrary& library, const Dispatcher& dispatcher);

}  // namespace unfrag::rehearsal
