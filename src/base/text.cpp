#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace unfrag {
namespace {

struct Decoded {
  uint32_t code = 0;
  size_t length = 0;  // 0: not valid UTF-8 here
};

// Rejects overlong forms, surrogates and what lies beyond U+10FFFF.
Decoded decode_utf8(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {};
  uint32_t code = first & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3FU);
  }
  constexpr std::array<uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return {};
  return {code, length};
}

// Controls (C0, DEL, C1), line and paragraph separators, direction and other format marks, private use, and what
// Unicode says will never be a character (XML allows no U+FFFE).
bool is_plain(uint32_t code) {
  if (code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD) return false;
  if (code >= 0x200B && code <= 0x200F) return false;
  if (code >= 0x2028 && code <= 0x202E) return false;
  if (code >= 0x2060 && code <= 0x206F) return false;
  if (code == 0x61C || code == 0xFEFF || (code >= 0xFFF0 && code <= 0xFFFB)) return false;
  if ((code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF)) return false;
  return code < 0xE000 || (code >= 0xF900 && code < 0xE0000);
}

// East Asian characters and emoji take two columns, combining marks none. Source: Unicode EastAsianWidth, in blocks.
size_t columns_of(uint32_t code) {
  if (code >= 0x300 && code <= 0x36F) return 0;
  constexpr std::array<std::pair<uint32_t, uint32_t>, 9> kWide = {{{0x1100, 0x115F},
                                                                   {0x2E80, 0xA4CF},
                                                                   {0xAC00, 0xD7A3},
                                                                   {0xF900, 0xFAFF},
                                                                   {0xFE30, 0xFE6F},
                                                                   {0xFF00, 0xFF60},
                                                                   {0xFFE0, 0xFFE6},
                                                                   {0x1F300, 0x1FAFF},
                                                                   {0x20000, 0x3FFFD}}};
  for (const auto& [first, last] : kWide) {
    if (code >= first && code <= last) return 2;
  }
  return 1;
}

}  // namespace

std::string format_bytes(Bytes bytes) {
  constexpr std::array<const char*, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  const uint64_t n = bytes.value();
  if (n < 1024) return fmt::format("{} B", n);
  size_t unit = 0;
  while (unit + 1 < kUnits.size() && n >> (10 * (unit + 2)) != 0) ++unit;
  const size_t shift = 10 * (unit + 1);
  const uint64_t part = n & ((uint64_t{1} << shift) - 1);
  uint64_t hundredths = (n >> shift) * 100 + ((part * 100 + (uint64_t{1} << (shift - 1))) >> shift);
  if (hundredths == 102400 && unit + 1 < kUnits.size()) {  // 1024.00 of this unit is one of the next
    ++unit;
    hundredths = 100;
  }
  return fmt::format("{}.{:02} {}", hundredths / 100, hundredths % 100, kUnits[unit]);
}

std::string format_count(uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (size_t i = digits.size(); i > 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

std::string escape_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Decoded decoded = decode_utf8(text, at);
    if (decoded.length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at++]));
      continue;
    }
    if (is_plain(decoded.code)) {
      out.append(text.substr(at, decoded.length));
    } else if (decoded.code < 0x100) {
      out += fmt::format("\\x{:02x}", decoded.code);
    } else {
      out += fmt::format("\\u{{{:x}}}", decoded.code);
    }
    at += decoded.length;
  }
  return out;
}

std::string mend_utf8(std::string_view text) {
  const auto byte = [&](size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0; };
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    size_t length = decode_utf8(text, at).length;
    const bool surrogate =
        byte(at) == 0xED && byte(at + 1) >= 0xA0 && byte(at + 1) < 0xC0 && byte(at + 2) >= 0x80 && byte(at + 2) < 0xC0;
    if (surrogate) length = 3;
    out.append(length > 0 ? text.substr(at, length) : "\xEF\xBF\xBD");
    at += std::max<size_t>(length, 1);
  }
  return out;
}

std::string error_text(const Error& error, std::string_view file) {
  const std::string_view name = file == "-" ? "standard input" : file;
  const bool both = !name.empty() && !error.where.empty();
  const std::string place = fmt::format("{}{}{}", escape_text(name), both ? "@" : "", escape_text(error.where));
  const std::string action = error.action.empty() ? std::string() : fmt::format("; try {}", escape_text(error.action));
  return fmt::format("{}{}{}{}", place, place.empty() ? "" : ": ", escape_text(error.what), action);
}

std::string excerpt(std::string_view text) {
  constexpr size_t kLongest = 80;
  if (text.size() <= kLongest) return escape_text(text);
  size_t end = kLongest;  // not inside a character
  while (end > kLongest - 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return escape_text(text.substr(0, end)) + "...";
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    const Decoded decoded = decode_utf8(text, at);
    width += decoded.length == 0 ? 1 : columns_of(decoded.code);
    at += std::max<size_t>(decoded.length, 1);
  }
  return width;
}

std::string fit_left(std::string_view text, size_t width, bool unicode) {
  size_t columns = display_width(text);
  if (columns <= width) return std::string(text) + std::string(width - columns, ' ');
  if (width == 0) return {};
  while (columns > width - 1) {
    const Decoded decoded = decode_utf8(text, 0);
    columns -= decoded.length == 0 ? 1 : columns_of(decoded.code);
    text.remove_prefix(std::max<size_t>(decoded.length, 1));
  }
  return (unicode ? "…" : "~") + std::string(text) + std::string(width - 1 - columns, ' ');
}

std::string fit_right(std::string_view text, size_t width) {
  const size_t columns = display_width(text);
  return columns >= width ? std::string(text) : std::string(width - columns, ' ') + std::string(text);
}

Result<Bytes> parse_size(std::string_view text) {
  const auto bad = [&] {
    return Error{ErrorKind::kUsage, "", fmt::format("'{}' is not a size", escape_text(text)),
                 "a number of bytes or of KiB, MiB, GiB, TiB, like 8GiB"};
  };
  size_t digits = 0;
  while (digits < text.size() && ((text[digits] >= '0' && text[digits] <= '9') || text[digits] == '.')) ++digits;
  std::string_view unit = text.substr(digits);
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  struct Unit {
    std::string_view name;
    double bytes;
  };
  constexpr std::array<Unit, 14> kUnits = {{{"", 1},
                                            {"B", 1},
                                            {"KiB", 0x1p10},
                                            {"MiB", 0x1p20},
                                            {"GiB", 0x1p30},
                                            {"TiB", 0x1p40},
                                            {"kB", 1e3},
                                            {"KB", 1e3},
                                            {"MB", 1e6},
                                            {"GB", 1e9},
                                            {"TB", 1e12},
                                            {"K", 0x1p10},
                                            {"M", 0x1p20},
                                            {"G", 0x1p30}}};
  for (const Unit& candidate : kUnits) {
    if (candidate.name != unit || digits == 0) continue;
    const std::string number(text.substr(0, digits));
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    const double bytes = value * candidate.bytes;
    if (end != number.c_str() + number.size() || !(bytes < 0x1p62)) return bad();
    return Bytes(static_cast<uint64_t>(bytes));
  }
  return bad();
}

}  // namespace unfrag
