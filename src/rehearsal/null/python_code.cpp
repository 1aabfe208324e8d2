#include "rehearsal/null/python_code.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "rehearsal/null/pointers.h"
#include "rehearsal/null/value_at.h"

namespace unfrag::null {
namespace {

// Four lanes that do not wait for each other: of what a hash takes most is a table of lines. The last words are read
// up to the end, whatever stands before it: the head of the object where it has fewer bytes.
uint64_t mix_all(uint64_t hash, uint64_t from, uint64_t size) {
  using Words = std::array<uint64_t, 2>;
  constexpr uint64_t kStep = 4 * sizeof(Words);
  const auto add = [](uint64_t lane, uint64_t at) {
    const auto words = value_at<Words>(at);
    return fold(words[0] ^ kOdd, words[1] ^ lane);
  };
  const uint64_t last = from + size - sizeof(Words);
  if (size > kStep) {
    std::array<uint64_t, 4> lanes = {hash, ~hash, hash + kOdd, hash - kOdd};
    for (; size > kStep; from += kStep, size -= kStep) {
      for (size_t i = 0; i < lanes.size(); ++i) lanes[i] = add(lanes[i], from + i * sizeof(Words));
    }
    hash = mix(mix(lanes[0], lanes[1]), mix(lanes[2], lanes[3]));
  }
  for (; size > sizeof(Words); from += sizeof(Words), size -= sizeof(Words)) hash = add(hash, from);
  return add(hash, last);
}

uint64_t mix_bytes(uint64_t hash, uint64_t from, uint64_t size) {
  constexpr uint64_t kEnd = 256;
  hash = mix(hash, size);
  if (size <= 2 * kEnd) return mix_all(hash, from, size);
  return mix_all(mix_all(hash, from, kEnd), from + size - kEnd, kEnd);
}

/// A string that is not in ASCII begins with other things and has more bytes than characters: all of these are read,
/// and belong to it, and its address tells it from most.
uint64_t mix_text(const Python& python, uint64_t hash, uint64_t text) {
  hash = mix(hash, text);
  if (value_at<uint64_t>(text + kTypeAt) != python.text_type) return hash;
  const auto own_hash = value_at<uint64_t>(text + kHashAt);
  if (own_hash != kNotHashed) return mix(hash, own_hash);
  return mix_bytes(hash, text + python.at.characters, value_at<uint64_t>(text + kSizeAt));
}

void append_utf8(std::string& out, uint32_t c) {
  if (c >= 0xD800 && c < 0xE000) c = 0xFFFD;  // what stands for a byte of a file's name that was not UTF-8
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    tail(12), tail(6), tail(0);
  }
}

std::string text_of(const Python& python, uint64_t text) {
  constexpr int64_t kMost = 4096;
  std::string out;
  const int64_t length = std::min(python.length_of(text), kMost);
  for (int64_t i = 0; i < length; ++i) append_utf8(out, python.character_of(text, i));
  return out;
}

/// The number at `at`, which has six bits a byte, the lowest first; its lowest bit is the sign.
int64_t signed_at(uint64_t at, uint64_t end) {
  uint64_t number = 0;
  for (unsigned shift = 0; at < end && shift < 60; shift += 6, ++at) {
    const auto byte = value_at<uint8_t>(at);
    number |= uint64_t{byte & 63U} << shift;
    if ((byte & 64) == 0) break;
  }
  const auto size = static_cast<int64_t>(number >> 1);
  return (number & 1) != 0 ? -size : size;
}

/// Source: Objects/locations.md of CPython 3.11, InternalDocs/code_objects.md later. The interpreter's own
/// PyCode_Addr2Line reads, from 3.12 on, what a debugger in another thread may be about to set up.
uint32_t line_in_table(const Python& python, Spot spot) {
  enum : uint8_t { kOneLine0 = 10, kOneLine2 = 12, kNoColumns = 13, kLong = 14, kNone = 15 };
  const auto table = value_at<uint64_t>(spot.code + python.at.line_table);
  const uint64_t end = table + kBytesAt + value_at<uint64_t>(table + kSizeAt);
  int64_t line = value_at<int32_t>(spot.code + python.at.first_line);
  if (spot.offset < 0) return static_cast<uint32_t>(line);
  int64_t passed = 0;
  for (uint64_t at = table + kBytesAt; at < end;) {
    const auto head = value_at<uint8_t>(at++);
    const int kind = (head >> 3) & 15;
    if (kind >= kOneLine0 && kind <= kOneLine2) line += kind - kOneLine0;
    if (kind == kNoColumns || kind == kLong) line += signed_at(at, end);
    passed += static_cast<int64_t>(((head & 7U) + 1) * kInstructionBytes);
    if (spot.offset < passed) return kind == kNone ? 0 : static_cast<uint32_t>(line);
    while (at < end && (value_at<uint8_t>(at) & 128) == 0) ++at;  // a head has the highest bit
  }
  return 0;
}

}  // namespace

// The parts do not wait for each other, nor for the frames below.
uint64_t fingerprint(const Python& python, Spot spot) {
  const PythonLayout& at = python.at;
  const auto table = value_at<uint64_t>(spot.code + at.line_table);
  const uint64_t name = mix_text(python, 1, value_at<uint64_t>(spot.code + at.name));
  const uint64_t file = mix_text(python, 2, value_at<uint64_t>(spot.code + at.file));
  const uint64_t lines = mix_bytes(3, table + kBytesAt, value_at<uint64_t>(table + kSizeAt));
  const uint64_t place = mix(mix(4, spot.code), static_cast<uint64_t>(spot.offset));
  const uint64_t size =
      mix(mix(5, value_at<uint64_t>(spot.code + kSizeAt)), value_at<uint32_t>(spot.code + at.first_line));
  return mix(mix(mix(mix(name, file), lines), place), size);
}

std::string name_of(const Python& python, uint64_t code) {
  return text_of(python, value_at<uint64_t>(code + python.at.name));
}

std::string file_of(const Python& python, uint64_t code) {
  return text_of(python, value_at<uint64_t>(code + python.at.file));
}

uint32_t line_of(const Python& python, Spot spot) {
  if (python.at.has_pointers()) return line_in_table(python, spot);
  const int line = python.line_of(spot.code, static_cast<int>(spot.offset));
  return line < 0 ? 0 : static_cast<uint32_t>(line);
}

}  // namespace unfrag::null
