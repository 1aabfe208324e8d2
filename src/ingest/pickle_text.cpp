#include "ingest/pickle_text.h"

#include <charconv>
#include <cstdio>

namespace unfrag::ingest {
namespace {

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18 & 7));
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// `digits` hexadecimal digits at `at`, or nothing read (false).
bool hex_at(std::string_view text, size_t at, size_t digits, uint32_t& code) {
  if (at + digits > text.size()) return false;
  const char* const begin = text.data() + at;
  const auto [last, error] = std::from_chars(begin, begin + digits, code, 16);
  return error == std::errc() && last == begin + digits;
}

}  // namespace

NumberLine decode_number_line(std::string_view line, bool may_be_bool) {
  NumberLine number;
  if (may_be_bool && (line == "00" || line == "01")) {
    return {.kind = NumberLine::kBool, .integer_value = line == "01" ? 1 : 0, .unsigned_value = 0, .real_value = 0};
  }
  if (!line.empty() && line.back() == 'L') line.remove_suffix(1);
  const char* const begin = line.data();
  const char* const end = begin + line.size();
  auto result = std::from_chars(begin, end, number.integer_value);
  if (result.ptr == end && result.ec == std::errc()) {
    number.kind = NumberLine::kSigned;
    return number;
  }
  result = std::from_chars(begin, end, number.unsigned_value);
  if (result.ptr == end && result.ec == std::errc()) {
    number.kind = NumberLine::kUnsigned;
    return number;
  }
  if (result.ptr == end && result.ec == std::errc::result_out_of_range) {
    number.kind = NumberLine::kHuge;
    return number;
  }
  // strtod, not from_chars: libc++ 19 has no from_chars for double.
  char* last = nullptr;
  const std::string copy(line);
  number.real_value = std::strtod(copy.c_str(), &last);
  if (!copy.empty() && last == copy.c_str() + copy.size()) number.kind = NumberLine::kReal;
  return number;
}

std::string decode_string_line(std::string_view line) {
  if (line.size() >= 2 && (line.front() == '\'' || line.front() == '"') && line.back() == line.front()) {
    line = line.substr(1, line.size() - 2);
  }
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      out += line[i];
      continue;
    }
    const char escape = line[++i];
    uint32_t code = 0;
    if (escape == 'x' && hex_at(line, i + 1, 2, code)) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += escape == 'n' ? '\n' : escape == 't' ? '\t' : escape == 'r' ? '\r' : escape;
    }
  }
  return out;
}

std::string decode_unicode_line(std::string_view line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    uint32_t code = static_cast<unsigned char>(line[i]);
    if (line[i] == '\\' && i + 1 < line.size()) {
      const size_t digits = line[i + 1] == 'u' ? 4 : line[i + 1] == 'U' ? 8 : 0;
      if (digits != 0 && hex_at(line, i + 2, digits, code)) {
        i += 1 + digits;
      } else {
        code = '\\';
      }
    }
    append_utf8(out, code);
  }
  return out;
}

LongValue decode_long(std::string_view bytes) {
  LongValue value{
      .fits = true, .negative = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0, .bits = 0};
  const unsigned char fill = value.negative ? 0xFF : 0x00;
  for (size_t i = 0; i < bytes.size() || i < 8; ++i) {
    const auto byte = i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : fill;
    if (i < 8) {
      value.bits |= uint64_t{byte} << (8 * i);
    } else if (byte != fill) {
      value.fits = false;
    }
  }
  if (value.negative && (value.bits >> 63) == 0) value.fits = false;
  return value;
}

}  // namespace unfrag::ingest
