// Which place in the program of one recording is which in another's: the same line of the same function of the same
// file, also where the file lies in another folder or has another name but the same functions, and where an edit has
// moved the line (align_lines.h).
//
// Whether a file was edited is seen from all the lines of it that the two recordings name, those that hold nothing too.
// Cost: linear in the frames, but for files that differ: see align_lines. Threads: safe once built.
#pragma once

#include <compare>
#include <cstdint>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "trace/trace.h"

namespace unfrag::analyze {

/// Equal places have equal keys, in whichever recording they are.
struct PlaceKey {
  uint32_t file = 0;
  uint32_t function = 0;
  uint32_t line = 0;          ///< As B counts, where B has a counterpart.
  bool unknown_to_b = false;  ///< Else as A counts.
  auto operator<=>(const PlaceKey&) const = default;
};

class CodeMatch {
 public:
  CodeMatch(const trace::Trace& a, const trace::Trace& b);

  [[nodiscard]] PlaceKey key_in_a(const trace::Frame& frame) const;
  [[nodiscard]] PlaceKey key_in_b(const trace::Frame& frame) const;

  /// A line that some frame names: file, line, function, by number.
  using Line = std::tuple<uint32_t, uint32_t, uint32_t>;

 private:
  /// For each string of a trace a number, the same in both traces for the same text.
  std::vector<uint32_t> numbers_a_, numbers_b_;
  std::unordered_map<uint32_t, uint32_t> file_in_b_;  // of those of A's files that have a counterpart
  std::vector<std::pair<Line, uint32_t>> line_in_b_;  // of those of A's lines, sorted
};

}  // namespace unfrag::analyze
