// A page of text being written: lines, headings and paragraphs of at most so many columns. Threads: one writer.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "base/strong.h"

namespace unfrag::report {

inline constexpr size_t kNarrowest = 60;
inline constexpr size_t kSizeColumn = 11;   // "1023.99 MiB"
inline constexpr size_t kExactColumn = 19;  // "281,474,976,710,656"

enum class Emphasis : uint8_t { kNone, kBold, kAlarm };

class Page {
 public:
  Page(size_t width, bool unicode, bool color);

  [[nodiscard]] size_t width() const { return width_; }
  [[nodiscard]] bool unicode() const { return unicode_; }

  /// One line of any length, without spaces at its end.
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    end_line();
  }
  void blank() { text_ += '\n'; }
  void heading(std::string_view text);
  /// Text of any length, broken at spaces: the first line behind `first` spaces, the others behind `rest`.
  void paragraph(std::string_view text, size_t first = 0, size_t rest = 2, Emphasis emphasis = Emphasis::kNone);

  /// A label, a figure aligned on the right, and a note beside them, or below where it is too long.
  void row(std::string_view label, std::string_view figure, std::string_view note = {});

  /// `value`, or its tail where it is longer than `columns`, without padding.
  [[nodiscard]] std::string trimmed(std::string_view value, size_t columns) const;
  /// A size as a column of a table.
  [[nodiscard]] static std::string column(Bytes bytes);

  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  void end_line();

  size_t width_;
  bool unicode_;
  bool color_;
  std::string text_;
};

/// "1 block", "1,234 blocks".
std::string plural(uint64_t count, std::string_view noun);
/// "1 trace entry", "1,234 trace entries".
std::string trace_entries(uint64_t count);

}  // namespace unfrag::report
