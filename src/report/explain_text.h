// An Explanation as text for a terminal of any width from 60 columns. Threads: pure function.
#pragma once

#include <cstddef>
#include <string>

#include "advise/advice.h"
#include "analyze/explanation.h"

namespace unfrag::report {

struct TextOptions {
  size_t width = 80;    ///< Columns; below kNarrowest counts as kNarrowest.
  bool unicode = true;  ///< Bars of block characters, else ASCII.
  bool color = false;
  bool stacks = false;  ///< The whole stack under each holder.
  bool quiet = false;   ///< Only what happened, in a sentence.
  size_t top = 10;      ///< Holders listed.
  bool within = false;  ///< Part of another report: without the line about the file and the next command.
};

/// Lines of at most `width` columns, but for the command at the end, which can be pasted. Everything that came from the
/// file is escaped. `advice`: appended where it is not null.
std::string explain_text(const analyze::Explanation& explanation, const TextOptions& options,
                         const advise::Advice* advice = nullptr);

}  // namespace unfrag::report
