#include "rehearsal/null_library.h"

// The assembler puts the file between the two names; CMake passes its path.
asm(".section .rodata\n"
    ".balign 16\n"
    "unfrag_null_library_begin:\n"
    ".incbin \"" UNFRAG_NULL_LIBRARY
    "\"\n"
    "unfrag_null_library_end:\n"
    ".previous\n");

extern "C" const char unfrag_null_library_begin[];
extern "C" const char unfrag_null_library_end[];

namespace unfrag::rehearsal {

std::string_view null_library() {
  return {unfrag_null_library_begin, static_cast<size_t>(unfrag_null_library_end - unfrag_null_library_begin)};
}

}  // namespace unfrag::rehearsal
