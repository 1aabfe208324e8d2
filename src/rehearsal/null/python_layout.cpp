#include "rehearsal/null/python_layout.h"

#include <dlfcn.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <optional>

#include "rehearsal/null/pointers.h"
#include "rehearsal/null/value_at.h"

namespace unfrag::null {
namespace {

// Source: Include/cpython/pystate.h, Include/cpython/code.h and Include/internal/pycore_frame.h (before 3.11
// Include/cpython/frameobject.h) of each release, on 64-bit machines.
constexpr std::array kLayouts = {
    PythonLayout{.minor = 9,
                 .thread_frame = 24,
                 .back = 24,
                 .code = 32,
                 .instruction = 104,
                 .index_unit = 1,
                 .name = 112,
                 .file = 104,
                 .first_line = 40,
                 .line_table = 120,
                 .characters = 48},
    PythonLayout{.minor = 10,
                 .thread_frame = 24,
                 .back = 24,
                 .code = 32,
                 .instruction = 96,
                 .index_unit = 2,
                 .name = 112,
                 .file = 104,
                 .first_line = 40,
                 .line_table = 120,
                 .characters = 48},
    PythonLayout{.minor = 11,
                 .thread_frame = 56,
                 .through_cframe = true,
                 .cframe_frame = 8,
                 .back = 48,
                 .code = 32,
                 .instruction = 56,
                 .owner = 69,
                 .name = 120,
                 .file = 112,
                 .first_line = 72,
                 .line_table = 136,
                 .first_instruction = 184,
                 .characters = 48},
    PythonLayout{.minor = 12,
                 .thread_frame = 56,
                 .through_cframe = true,
                 .cframe_frame = 0,
                 .back = 8,
                 .code = 0,
                 .instruction = 56,
                 .owner = 70,
                 .name = 120,
                 .file = 112,
                 .first_line = 68,
                 .line_table = 136,
                 .first_instruction = 192,
                 .characters = 40},
};

/// _Py_DebugOffsets, at the start of _PyRuntime: numbers of 8 bytes; which says what, by version.
/// Source: Include/internal/pycore_runtime.h (3.13), pycore_debug_offsets.h (3.14).
struct DebugOffsets {
  int minor;
  int thread_frame, back, code, instruction, owner, file, name, line_table, first_line, first_instruction;
};
constexpr std::array kDebugOffsets = {DebugOffsets{13, 23, 29, 30, 31, 33, 35, 36, 38, 39, 43},
                                      DebugOffsets{14, 26, 32, 33, 34, 36, 40, 41, 43, 44, 48}};

uint64_t address_of(const char* symbol) { return to_number(dlsym(RTLD_DEFAULT, symbol)); }

template <class Function>
bool find(const char* symbol, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, symbol));
  return function != nullptr;
}

std::optional<PythonLayout> by_table(int minor) {
  for (const PythonLayout& layout : kLayouts) {
    if (layout.minor == minor) return layout;
  }
  return std::nullopt;
}

std::optional<PythonLayout> by_debug_offsets(int minor) {
  const uint64_t runtime = address_of("_PyRuntime");
  if (runtime == 0) return std::nullopt;
  const auto said = value_at<std::array<uint64_t, 49>>(runtime);
  const bool is_it = std::memcmp(said.data(), "xdebugpy", 8) == 0;
  const uint64_t version = 0x300U + static_cast<uint64_t>(minor);  // the first two bytes of PY_VERSION_HEX
  const bool free_threaded = said[2] != 0;
  if (!is_it || said[1] >> 16 != version || free_threaded) return std::nullopt;
  for (const DebugOffsets& row : kDebugOffsets) {
    if (row.minor != minor) continue;
    const auto offset = [&](int index) { return said[static_cast<size_t>(index)]; };
    return PythonLayout{.minor = minor,
                        .thread_frame = offset(row.thread_frame),
                        .back = offset(row.back),
                        .code = offset(row.code),
                        .instruction = offset(row.instruction),
                        .owner = offset(row.owner),
                        .name = offset(row.name),
                        .file = offset(row.file),
                        .first_line = offset(row.first_line),
                        .line_table = offset(row.line_table),
                        .first_instruction = offset(row.first_instruction),
                        .characters = 40};
  }
  return std::nullopt;
}

const Python* find_python() {
  const char* (*version)() = nullptr;
  int major = 0;
  int minor = 0;
  if (!find("Py_GetVersion", version) || std::sscanf(version(), "%d.%d", &major, &minor) != 2) return nullptr;
  if (major != 3) return nullptr;
  const auto layout = minor >= kDebugOffsets.front().minor ? by_debug_offsets(minor) : by_table(minor);
  if (!layout) return nullptr;
  static Python found;
  found.at = *layout;
  const bool complete = find("PyGILState_GetThisThreadState", found.thread_state) &&
                        find("PyCode_Addr2Line", found.line_of) && find("PyUnicode_GetLength", found.length_of) &&
                        find("PyUnicode_ReadChar", found.character_of);
  found.code_type = address_of("PyCode_Type");
  found.text_type = address_of("PyUnicode_Type");
  found.bytes_type = address_of("PyBytes_Type");
  return complete && found.code_type != 0 && found.text_type != 0 && found.bytes_type != 0 ? &found : nullptr;
}

}  // namespace

const Python* python() {
  static const Python* const found = find_python();
  return found;
}

}  // namespace unfrag::null
