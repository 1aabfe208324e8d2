// Which line of one version of a file is which line of another, from the lines that two recordings have seen of it.
//
//   before  38 forward   39 forward                          52 step     38 is 38, 39 is 42, 52 is 55: three lines
//   after   38 forward   41 forward   42 forward             55 step     were put in, and 41 is one of them
//
// An edit moves all that stands below it by as many lines, so a line that moved costs nothing where the one above it
// moved as far; a change of distance costs most of a line, and comes as late as it may. A line goes only to one of the
// same function, and none overtakes another. What is left over has no counterpart, as far as the lines tell.
// Cost: product of the lengths, where that is at most kMostPairs; above it only equal lines are matched.
// Threads: pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace unfrag::analyze {

struct CodeLine {
  uint32_t line = 0;
  uint32_t function = 0;  ///< Equal numbers are equal names.
  auto operator<=>(const CodeLine&) const = default;
};

inline constexpr size_t kMostPairs = size_t{4} << 20;

/// Pairs of indices into `a` and `b`, ascending in both. Requires: both are sorted and have no equal items.
std::vector<std::pair<uint32_t, uint32_t>> align_lines(std::span<const CodeLine> a, std::span<const CodeLine> b);

}  // namespace unfrag::analyze
