// Decoding of pickle's textual and long arguments. Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace unfrag::ingest {

struct NumberLine {
  enum NumberKind { kBad, kBool, kSigned, kUnsigned, kReal, kHuge } kind = kBad;
  int64_t integer_value = 0;
  uint64_t unsigned_value = 0;
  double real_value = 0;
};

/// The argument of INT, LONG or FLOAT. `may_be_bool`: INT writes True as "01" and False as "00".
NumberLine decode_number_line(std::string_view line, bool may_be_bool);

/// The argument of STRING: a quoted Python 2 literal. Escapes are undone; bytes stay bytes.
std::string decode_string_line(std::string_view line);

/// The argument of UNICODE: raw-unicode-escape (\uXXXX, \UXXXXXXXX, all else Latin-1), returned as UTF-8.
std::string decode_unicode_line(std::string_view line);

struct LongValue {
  bool fits = false;  ///< in 64 bits, signed or unsigned
  bool negative = false;
  uint64_t bits = 0;
};

/// The argument of LONG1 and LONG4: little-endian two's complement.
LongValue decode_long(std::string_view bytes);

}  // namespace unfrag::ingest
