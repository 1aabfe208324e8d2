#include "rehearsal/null_library.h"

// The assembler puts a file between two names; CMake passes its path.
#define UNFRAG_CARRY(name, path) \
  asm(".section .rodata\n"       \
      ".balign 16\n" #name       \
      "_begin:\n"                \
      ".incbin \"" path "\"\n" #name "_end:\n.previous\n")

UNFRAG_CARRY(unfrag_null_library, UNFRAG_NULL_LIBRARY);
UNFRAG_CARRY(unfrag_dnn_server, UNFRAG_DNN_SERVER);

extern "C" const char unfrag_null_library_begin[];
extern "C" const char unfrag_null_library_end[];
extern "C" const char unfrag_dnn_server_begin[];
extern "C" const char unfrag_dnn_server_end[];

namespace unfrag::rehearsal {

std::string_view null_library() {
  return {unfrag_null_library_begin, static_cast<size_t>(unfrag_null_library_end - unfrag_null_library_begin)};
}

std::string_view dnn_server() {
  return {unfrag_dnn_server_begin, static_cast<size_t>(unfrag_dnn_server_end - unfrag_dnn_server_begin)};
}

}  // namespace unfrag::rehearsal
