// Which shells a PyTorch needs: one for each of NVIDIA's libraries that it names, with what it asks of it.
//
// A symbol with a version says which library it is of. One without goes by its name ("ncclAllReduce" is of libnccl),
// unless one of PyTorch's own libraries or the null device defines it. libcuda and NVIDIA's management library are
// there always, for programs that open them by name. Threads: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rehearsal/elf_imports.h"
#include "rehearsal/shell_library.h"

namespace unfrag::rehearsal {

/// Whether a soname is of one of NVIDIA's libraries: "libcudart.so.13". It has no folder in it, then.
bool is_of_nvidia(std::string_view soname);

/// The shells for `libraries`, all that lie together in an installed PyTorch; those of NVIDIA's among them are
/// replaced, so that they neither define nor ask for anything here. `null_device`: the names that the null device
/// defines; a shell defines none of them, for it comes behind. Symbols that are asked for weakly and without a version
/// are left out: the program can do without them. Shape: sorted by soname, symbols by name; the same for the libraries
/// in any order.
std::vector<ShellLibrary> decide_shells(std::span<const ElfImports> libraries,
                                        std::span<const std::string> null_device);

}  // namespace unfrag::rehearsal
