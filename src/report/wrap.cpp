#include "report/wrap.h"

#include <algorithm>

#include "base/text.h"

namespace unfrag::report {
namespace {

constexpr size_t kLabel = 25;
constexpr size_t kFigure = 12;

}  // namespace

void Lines::end_line(std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  out_ += line;
  out_ += '\n';
}

void Lines::paragraph(std::string_view text, size_t first, size_t rest) {
  std::string current(first, ' ');
  bool empty = true;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    std::string word(text.substr(at, end - at));
    at = end + 1;
    const size_t longest = options_.width - std::max(first, rest);
    if (display_width(word) > longest) word = fit_left(word, longest, options_.unicode);
    if (!empty && display_width(current) + 1 + display_width(word) > options_.width) {
      end_line(std::move(current));
      current.assign(rest, ' ');
      empty = true;
    }
    if (!empty) current += ' ';
    current += word;
    empty = false;
  }
  end_line(std::move(current));
}

void Lines::styled(std::string_view text, std::string_view escape) {
  if (options_.color) out_ += escape;
  paragraph(text);
  if (options_.color) out_.insert(out_.size() - 1, "\x1b[0m");
}

void Lines::heading(std::string_view text) {
  blank();
  styled(text, "\x1b[1m");
}

void Lines::alarm(std::string_view text) { styled(text, "\x1b[31m"); }

void Lines::row(std::string_view label, std::string_view figure, std::string_view note) {
  std::string line = "  ";
  line += fit_left(label, kLabel, options_.unicode);
  line += fit_right(figure, kFigure);
  if (!note.empty() && display_width(line) + 2 + display_width(note) > options_.width) {
    end_line(std::move(line));
    paragraph(note, 6, 6);
    return;
  }
  if (!note.empty()) line += "  ";
  line += note;
  end_line(std::move(line));
}

void Lines::verbatim(std::string_view text) { end_line(std::string(text)); }

}  // namespace unfrag::report
