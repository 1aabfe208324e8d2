#include "report/markup.h"

#include "base/text.h"

namespace unfrag::report {

std::string markup(std::string_view text) {
  std::string safe;
  for (const char c : escape_text(text)) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      case '\'': safe += "&#39;"; break;
      default: safe += c;
    }
  }
  return safe;
}

std::string name_in_table(std::string_view name, size_t columns) {
  const std::string escaped = escape_text(name);
  return display_width(escaped) <= columns ? escaped : fit_left(escaped, columns, true);
}

}  // namespace unfrag::report
