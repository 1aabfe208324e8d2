// What a shared library asks of others, and what it gives them, as its ELF file says.
//
// Read as the loader does, from the dynamic segment alone, so that a stripped file or one without section headers will
// do; but nothing is loaded, and of a library of 1 GB some megabytes are read. Any bytes give a result or an error.
// It is not a symbol table: what a library keeps to itself is elf_symbols.h's. Threads: safe.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace unfrag::rehearsal {

/// A symbol that another library has to define.
struct ElfImport {
  std::string name;
  std::string version;     ///< "libcudart.so.13", "GLIBC_2.2.5"; empty where any will do.
  std::string file;        ///< The soname that the version is of; empty without one.
  bool is_object = false;  ///< Data rather than a function.
  bool is_weak = false;    ///< It may be missing; its address is null then.
};

struct ElfImports {
  std::string soname;                     ///< Empty where the library has none.
  std::vector<std::string> needed = {};   ///< What it is linked with, in its order.
  std::vector<ElfImport> imports = {};    ///< In the order of the file, like `defined`.
  std::vector<std::string> defined = {};  ///< The names that others can find in it.
};

/// Errors: kBadInput where `path` cannot be read, or not as a library for x86-64.
/// Cost: what the dynamic symbols and their names take, 15 ms for the largest of PyTorch's libraries.
Result<ElfImports> read_imports(const std::string& path);

}  // namespace unfrag::rehearsal
