#include "recording/carried.h"

#include <cstddef>

// The assembler puts a file between two names; CMake passes its path.
#define UNFRAG_CARRY(name, path) \
  asm(".section .rodata\n" #name "_begin:\n.incbin \"" path "\"\n" #name "_end:\n.previous\n")

UNFRAG_CARRY(unfrag_recorder, UNFRAG_RECORDER);
UNFRAG_CARRY(unfrag_recorded_program, UNFRAG_PROGRAM);
UNFRAG_CARRY(unfrag_recorded_site, UNFRAG_SITE);

extern "C" const char unfrag_recorder_begin[];
extern "C" const char unfrag_recorder_end[];
extern "C" const char unfrag_recorded_program_begin[];
extern "C" const char unfrag_recorded_program_end[];
extern "C" const char unfrag_recorded_site_begin[];
extern "C" const char unfrag_recorded_site_end[];

namespace unfrag::recording {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<size_t>(end - begin)}; }

}  // namespace

std::string_view recorder_module() { return between(unfrag_recorder_begin, unfrag_recorder_end); }
std::string_view program_module() { return between(unfrag_recorded_program_begin, unfrag_recorded_program_end); }
std::string_view site_module() { return between(unfrag_recorded_site_begin, unfrag_recorded_site_end); }

}  // namespace unfrag::recording
