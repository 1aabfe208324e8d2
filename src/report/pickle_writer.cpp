#include "report/pickle_writer.h"

#include <bit>

namespace unfrag::report {

void PickleWriter::little_endian(uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i, value >>= 8) out_ += static_cast<char>(value & 0xFF);
}

void PickleWriter::integer(uint64_t value) {
  if (value <= INT64_MAX) return signed_integer(static_cast<int64_t>(value));
  out_.append("\x8a\x09", 2);
  little_endian(value, 8);
  out_ += '\0';  // the sign
}

void PickleWriter::signed_integer(int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  if (value >= 0 && value <= UINT8_MAX) {
    out_ += 'K';
    little_endian(bits, 1);
  } else if (value >= 0 && value <= UINT16_MAX) {
    out_ += 'M';
    little_endian(bits, 2);
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    out_ += 'J';
    little_endian(bits, 4);
  } else {
    const auto magnitude = static_cast<size_t>(std::bit_width(value < 0 ? ~bits : bits));
    const size_t bytes = magnitude / 8 + 1;  // the highest bit is the sign
    out_ += '\x8a';
    little_endian(bytes, 1);
    little_endian(bits, bytes);
  }
}

void PickleWriter::real(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  out_ += 'G';
  for (int shift = 56; shift >= 0; shift -= 8) out_ += static_cast<char>(bits >> shift & 0xFF);
}

void PickleWriter::text(std::string_view utf8) {
  const bool is_short = utf8.size() <= UINT8_MAX;
  out_ += is_short ? '\x8c' : 'X';
  little_endian(utf8.size(), is_short ? 1 : 4);
  out_ += utf8;
}

void PickleWriter::again(Memo memo) {
  const bool is_short = memo <= UINT8_MAX;
  out_ += is_short ? 'h' : 'j';
  little_endian(memo, is_short ? 1 : 4);
}

}  // namespace unfrag::report
