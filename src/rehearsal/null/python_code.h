// What a code object tells: the function's name, its file, and the line of an instruction.
//
// All of it is only read, and without the GIL: the code object must be one that a frame of this thread runs, so that it
// stays, and nothing in it that is read here ever changes. Threads: safe.
#pragma once

#include <cstdint>
#include <string>

#include "rehearsal/null/python_layout.h"

namespace unfrag::null {

/// An instruction, as the offset in bytes in the code object that it belongs to; negative: not begun.
struct Spot {
  uint64_t code = 0;
  int64_t offset = 0;

  friend bool operator==(const Spot&, const Spot&) = default;
};

/// A hash of all that decides which name, file and line a spot has, so that another code object at the same address
/// is told from the one before. Of what is longer than 512 bytes the middle is left out.
uint64_t fingerprint(const Python& python, Spot spot);

inline constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;

inline uint64_t fold(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// A hash of both.
inline uint64_t mix(uint64_t hash, uint64_t value) { return fold(hash ^ value, kOdd); }

/// In UTF-8.
std::string name_of(const Python& python, uint64_t code);
std::string file_of(const Python& python, uint64_t code);
/// 0: it belongs to none.
uint32_t line_of(const Python& python, Spot spot);

}  // namespace unfrag::null
