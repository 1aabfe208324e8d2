#include "report/axis.h"

#include <bit>

#include "base/text.h"

namespace unfrag::report {

Bytes size_step(Bytes full, uint64_t most) {
  const uint64_t least = full.value() / most + (full.value() % most != 0 ? 1 : 0);
  return Bytes(std::bit_ceil(least));
}

uint64_t count_step(uint64_t full, uint64_t most) {
  uint64_t step = 1;
  for (uint64_t power = 1; full / step > most; power *= 10) {
    for (const uint64_t digit : {1, 2, 5}) {
      step = digit * power;
      if (full / step <= most) break;
    }
  }
  return step;
}

std::string size_tick(Bytes bytes) {
  if (bytes == Bytes()) return "0";
  std::string text = format_bytes(bytes);
  const size_t unit = text.find(' ');
  const size_t point = text.find('.');
  if (point == std::string::npos) return text;
  size_t digits = unit;
  while (text[digits - 1] == '0') --digits;
  if (digits - 1 == point) digits = point;
  return text.erase(digits, unit - digits);
}

}  // namespace unfrag::report
