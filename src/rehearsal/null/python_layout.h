// Where the running CPython keeps a thread's frames, and a frame its code and the instruction it is at.
//
// 3.9 to 3.12 by a table of offsets, 3.13 and 3.14 by what the interpreter says of itself to debuggers. Another
// version, or a free-threaded one, has no layout here. Of the CPython API only what reads without the GIL is used.
// Threads: safe.
#pragma once

#include <cstdint>

namespace unfrag::null {

/// Offsets in bytes.
struct PythonLayout {
  int minor = 0;  ///< Of version 3.

  uint64_t thread_frame = 0;    ///< Of a thread's state: its innermost frame, or what points to it.
  bool through_cframe = false;  ///< The latter.
  uint64_t cframe_frame = 0;

  // Of a frame.
  uint64_t back = 0;
  uint64_t code = 0;
  uint64_t instruction = 0;  ///< A pointer from 3.11 on, before that an index.
  uint64_t index_unit = 0;   ///< Bytes of one such index; 0: a pointer.
  uint64_t owner = 0;        ///< From 3.11 on.

  // Of a code object.
  uint64_t name = 0;
  uint64_t file = 0;
  uint64_t first_line = 0;
  uint64_t line_table = 0;
  uint64_t first_instruction = 0;  ///< From 3.11 on.

  uint64_t characters = 0;  ///< Of a string in ASCII.

  [[nodiscard]] bool has_pointers() const { return index_unit == 0; }
  /// Of a code object from 3.11 on: how many instructions a frame passes before tracebacks show it. An int;
  /// co_extra stands between it and the instructions.
  [[nodiscard]] uint64_t first_traceable() const { return first_instruction - 16; }
};

// The same in every version that has the GIL.
inline constexpr uint64_t kTypeAt = 8;   ///< ob_type of any object.
inline constexpr uint64_t kSizeAt = 16;  ///< ob_size, or the length of a string.
inline constexpr uint64_t kHashAt = 24;  ///< Of a string; kNotHashed before somebody asks.
inline constexpr uint64_t kNotHashed = ~uint64_t{0};
inline constexpr uint64_t kBytesAt = 32;          ///< ob_sval of a bytes object.
inline constexpr uint64_t kInstructionBytes = 2;  ///< _Py_CODEUNIT

/// The interpreter of this process.
struct Python {
  PythonLayout at;
  void* (*thread_state)() = nullptr;                                 ///< PyGILState_GetThisThreadState
  int (*line_of)(uint64_t code, int offset) = nullptr;               ///< PyCode_Addr2Line
  int64_t (*length_of)(uint64_t text) = nullptr;                     ///< PyUnicode_GetLength
  uint32_t (*character_of)(uint64_t text, int64_t index) = nullptr;  ///< PyUnicode_ReadChar
  uint64_t code_type = 0;                                            ///< Addresses of types.
  uint64_t text_type = 0;
  uint64_t bytes_type = 0;
};

/// Looked for at the first call; null where there is none, or none whose layout is known.
const Python* python();

}  // namespace unfrag::null
