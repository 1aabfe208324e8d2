// Bars and sparklines out of characters, exact in width. Threads: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace unfrag::report {

/// One part of a bar: how much, and the character that draws it.
struct BarPart {
  uint64_t amount = 0;
  std::string glyph;  ///< One column wide.
};

/// `width` columns divided in proportion (largest remainder), so that the parts always fill it exactly. A part that is
/// not zero gets at least one column where there are enough. Empty bar where all are zero: `width` spaces.
std::string draw_bar(std::span<const BarPart> parts, size_t width);

/// `values` as `width` columns of eight heights, each column the highest of its stretch, scaled to `full`.
std::string draw_sparkline(std::span<const uint64_t> values, uint64_t full, size_t width, bool unicode);

}  // namespace unfrag::report
