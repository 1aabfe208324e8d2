#include "ingest/printed_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace unfrag::ingest {
namespace {

constexpr size_t kMostDigits = 18;  // all fit 64 bits
constexpr size_t kMostDecimals = 3;

struct Unit {
  std::string_view name;
  double bytes;
};
// No unit here ends in another one that could be meant: "B" is for memory_summary, which reads forwards.
constexpr std::array<Unit, 10> kUnits = {{{"bytes", 1},
                                          {"KiB", 0x1p10},
                                          {"MiB", 0x1p20},
                                          {"GiB", 0x1p30},
                                          {"TiB", 0x1p40},
                                          {"PiB", 0x1p50},
                                          {"KB", 0x1p10},
                                          {"MB", 0x1p20},
                                          {"GB", 0x1p30},
                                          {"B", 1}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t digits_at(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && is_digit(text[end]) && end - begin <= kMostDigits) ++end;
  return end - begin;
}

uint64_t clamped(double bytes) {
  if (!(bytes > 0)) return 0;
  return bytes < static_cast<double>(kNoSize) ? static_cast<uint64_t>(bytes) : kNoSize;
}

trace::Printed printed(std::string_view number, size_t decimals, const Unit& unit) {
  double mantissa = 0;
  for (const char c : number) mantissa = is_digit(c) ? mantissa * 10 + (c - '0') : mantissa;
  const double scale = std::pow(10.0, static_cast<double>(decimals));
  const double half = unit.bytes > 1 ? 0.5 : 0;
  const uint64_t value = clamped(std::round(mantissa / scale * unit.bytes));
  return {.value = value,
          .low = std::min(value, clamped(std::ceil((mantissa - half) / scale * unit.bytes))),
          .high = std::max(value, clamped(std::floor((mantissa + half) / scale * unit.bytes))),
          .text = fmt::format("{} {}", number, unit.name)};
}

}  // namespace

std::optional<uint64_t> number_at(std::string_view text, size_t begin) {
  const size_t digits = digits_at(text, begin);
  if (digits == 0 || digits > kMostDigits) return std::nullopt;
  uint64_t number = 0;
  for (const char c : text.substr(begin, digits)) number = number * 10 + static_cast<uint64_t>(c - '0');
  return number;
}

std::optional<FoundSize> size_at(std::string_view text, size_t begin) {
  const size_t whole = begin <= text.size() ? digits_at(text, begin) : 0;
  if (whole == 0 || whole > kMostDigits) return std::nullopt;
  size_t end = begin + whole;
  size_t decimals = 0;
  if (end < text.size() && text[end] == '.') {
    decimals = digits_at(text, end + 1);
    if (decimals == 0 || decimals > kMostDecimals || whole + decimals > kMostDigits) return std::nullopt;
    end += 1 + decimals;
  }
  for (const Unit& unit : kUnits) {
    if (!text.substr(end).starts_with(unit.name)) continue;
    return FoundSize{printed(text.substr(begin, end - begin), decimals, unit), begin, end + unit.name.size()};
  }
  return std::nullopt;
}

std::optional<FoundSize> size_before(std::string_view text, size_t end) {
  // The number is what digits with at most one point stand before the letters of the unit.
  size_t begin = end;
  while (begin > 0 && end - begin <= 5 && !is_digit(text[begin - 1])) --begin;
  bool point = false;
  while (begin > 0 && end - begin < 2 * kMostDigits) {
    const char c = text[begin - 1];
    if (c == '.' && !point && begin > 1 && is_digit(text[begin - 2])) {
      point = true;
    } else if (!is_digit(c)) {
      break;
    }
    --begin;
  }
  const auto found = size_at(text, begin);
  return found && found->end == end ? found : std::nullopt;
}

}  // namespace unfrag::ingest
