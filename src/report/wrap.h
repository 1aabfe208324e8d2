// Lines of text for a terminal: words wrapped to a width, headings, and rows of a label, a figure and a note.
// Threads: one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unfrag::report {

struct WrapOptions {
  size_t width = 80;
  bool unicode = true;
  bool color = false;
};

class Lines {
 public:
  explicit Lines(const WrapOptions& options) : options_(options) {}

  /// Words in lines of at most the width, the first behind `first` spaces, the others behind `rest`.
  /// Requires: escaped text.
  void paragraph(std::string_view text, size_t first = 0, size_t rest = 2);
  /// An empty line and a bold one.
  void heading(std::string_view text);
  /// A paragraph in red.
  void alarm(std::string_view text);
  /// A label, a figure aligned on the right, and a note that wraps beside them.
  void row(std::string_view label, std::string_view figure, std::string_view note = {});
  /// One line as it is, to be copied.
  void verbatim(std::string_view text);
  void blank() { out_ += '\n'; }

  [[nodiscard]] std::string take() && { return std::move(out_); }

 private:
  void styled(std::string_view text, std::string_view escape);
  void end_line(std::string line);

  WrapOptions options_;
  std::string out_;
};

}  // namespace unfrag::report
