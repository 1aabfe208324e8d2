#include "report/bars.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace unfrag::report {
namespace {

/// Columns of each part: its share rounded down, then one more for the largest remainders.
std::vector<size_t> divide(std::span<const BarPart> parts, size_t width) {
  long double total = 0;
  for (const BarPart& part : parts) total += static_cast<long double>(part.amount);
  std::vector<size_t> columns(parts.size(), 0);
  if (total == 0) return columns;
  std::vector<long double> remainders(parts.size(), 0);
  size_t used = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const long double share = static_cast<long double>(parts[i].amount) * static_cast<long double>(width) / total;
    columns[i] = static_cast<size_t>(share);
    remainders[i] = share - static_cast<long double>(columns[i]);
    used += columns[i];
  }
  for (; used < width; ++used) {
    const auto largest = std::ranges::max_element(remainders) - remainders.begin();
    ++columns[static_cast<size_t>(largest)];
    remainders[static_cast<size_t>(largest)] = -1;
  }
  return columns;
}

}  // namespace

std::string draw_bar(std::span<const BarPart> parts, size_t width) {
  std::vector<size_t> columns = divide(parts, width);
  // What is there must be seen: it takes its column from the widest.
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto widest = std::ranges::max_element(columns);
    if (parts[i].amount == 0 || columns[i] > 0 || widest == columns.end() || *widest < 2) continue;
    --*widest;
    columns[i] = 1;
  }
  std::string bar;
  size_t drawn = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    for (size_t c = 0; c < columns[i]; ++c) bar += parts[i].glyph;
    drawn += columns[i];
  }
  return bar + std::string(width - drawn, ' ');
}

std::string draw_sparkline(std::span<const uint64_t> values, uint64_t full, size_t width, bool unicode) {
  constexpr std::array<const char*, 9> kBlocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<const char*, 9> kAscii = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
  const auto& glyphs = unicode ? kBlocks : kAscii;
  std::string line;
  for (size_t column = 0; column < width; ++column) {
    if (values.empty()) {
      line += ' ';
      continue;
    }
    const size_t begin = column * values.size() / width;
    const size_t end = std::max(begin + 1, (column + 1) * values.size() / width);
    const uint64_t highest = *std::max_element(values.begin() + static_cast<ptrdiff_t>(begin),
                                               values.begin() + static_cast<ptrdiff_t>(std::min(end, values.size())));
    const double share = full == 0 ? 0 : static_cast<double>(highest) / static_cast<double>(full);
    const auto level = static_cast<size_t>(std::clamp(share * 8 + 0.5, highest > 0 ? 1.0 : 0.0, 8.0));
    line += glyphs[level];
  }
  return line;
}

}  // namespace unfrag::report
