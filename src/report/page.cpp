#include "report/page.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace unfrag::report {
namespace {

// The end of the word at `at`; a figure and its unit are one.
size_t end_of_word(std::string_view text, size_t at) {
  constexpr std::array<std::string_view, 7> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "%"};
  const size_t end = std::min(text.find(' ', at), text.size());
  if (end == at || end == text.size() || text[end - 1] < '0' || text[end - 1] > '9') return end;
  const std::string_view rest = text.substr(end + 1);
  for (const std::string_view unit : kUnits) {
    if (!rest.starts_with(unit)) continue;
    const char after = rest.size() > unit.size() ? rest[unit.size()] : ' ';
    if (std::string_view(" ,.:;)").find(after) != std::string_view::npos)
      return std::min(text.find(' ', end + 1), text.size());
  }
  return end;
}

}  // namespace

Page::Page(size_t width, bool unicode, bool color)
    : width_(std::max(width, kNarrowest)), unicode_(unicode), color_(color) {}

void Page::end_line() {
  while (!text_.empty() && text_.back() == ' ') text_.pop_back();
  text_ += '\n';
}

void Page::heading(std::string_view text) {
  blank();
  paragraph(text, 0, 2, Emphasis::kBold);
}

void Page::paragraph(std::string_view text, size_t first, size_t rest, Emphasis emphasis) {
  const bool marked = color_ && emphasis != Emphasis::kNone;
  if (marked) text_ += emphasis == Emphasis::kBold ? "\x1b[1m" : "\x1b[31m";
  std::string current(first, ' ');
  bool empty = true;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = end_of_word(text, at);
    const std::string word = trimmed(text.substr(at, end - at), width_ - std::max(first, rest));
    at = end + 1;
    if (!empty && display_width(current) + 1 + display_width(word) > width_) {
      line("{}", current);
      current.assign(rest, ' ');
      empty = true;
    }
    if (!empty) current += ' ';
    current += word;
    empty = false;
  }
  line("{}", current);
  if (marked) text_.insert(text_.size() - 1, "\x1b[0m");
}

void Page::row(std::string_view label, std::string_view figure, std::string_view note) {
  constexpr size_t kLabel = 25;
  constexpr size_t kFigure = 12;
  const std::string start = fmt::format("  {}{}", fit_left(label, kLabel, unicode_), fit_right(figure, kFigure));
  if (!note.empty() && display_width(start) + 2 + display_width(note) > width_) {
    line("{}", start);
    paragraph(note, 6, 6);
  } else {
    line("{}  {}", start, note);
  }
}

std::string Page::trimmed(std::string_view value, size_t columns) const {
  std::string fitted = fit_left(value, columns, unicode_);
  while (!fitted.empty() && fitted.back() == ' ') fitted.pop_back();
  return fitted;
}

std::string Page::column(Bytes bytes) { return fit_right(format_bytes(bytes), kSizeColumn); }

std::string plural(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

std::string trace_entries(uint64_t count) {
  return count == 1 ? std::string("1 trace entry") : fmt::format("{} trace entries", format_count(count));
}

}  // namespace unfrag::report
