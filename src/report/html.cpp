#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "report/markup.h"

namespace unfrag::report {
namespace {

constexpr std::string_view kStart =
    "<div class=\"unfrag-report\"><style>"
    ".unfrag-report{font-size:13px;line-height:1.45;max-width:760px}"
    ".unfrag-report p{margin:.3em 0}"
    ".unfrag-report p.u-verdict{font-size:1.1em;font-weight:600;border-left:4px solid #4a8bd8;padding-left:.6em}"
    ".unfrag-report p.u-alarm{border-left-color:#e0463c}"
    ".unfrag-report p.u-title{font-weight:600;margin-top:.9em}"
    ".unfrag-report .u-faint{opacity:.75}"
    ".unfrag-report ul{margin:.3em 0;padding-left:1.4em}"
    ".unfrag-report svg{display:block;margin:.9em 0}"
    ".unfrag-report table{border-collapse:collapse;border:none;margin:.3em 0;font-size:inherit;color:inherit}"
    ".unfrag-report th,.unfrag-report td{border:none;padding:.1em 1em .1em 0;text-align:left;white-space:nowrap;"
    "vertical-align:top}"
    ".unfrag-report th{opacity:.75;font-weight:normal}"
    ".unfrag-report .u-figure{text-align:right;font-variant-numeric:tabular-nums}"
    ".unfrag-report td:last-child{white-space:normal;overflow-wrap:anywhere}"
    ".unfrag-report tr.u-total td{border-top:1px solid #8c8c8c}"
    "</style>\n";

std::string_view class_of(Tone tone) {
  switch (tone) {
    case Tone::kVerdict: return " class=\"u-verdict\"";
    case Tone::kAlarm: return " class=\"u-verdict u-alarm\"";
    case Tone::kTitle: return " class=\"u-title\"";
    case Tone::kFaint: return " class=\"u-faint\"";
    case Tone::kPlain: break;
  }
  return "";
}

/// A sentence that a long name would make a page of is cut.
std::string sentence(std::string_view text) {
  constexpr size_t kLongest = 2000;
  const std::string escaped = escape_text(text);
  if (escaped.size() <= kLongest) return markup(escaped);
  size_t end = kLongest;
  while ((static_cast<unsigned char>(escaped[end]) & 0xC0) == 0x80) --end;  // not inside a character
  return markup(std::string_view(escaped).substr(0, end)) + "…";
}

}  // namespace

Html::Html() : text_(kStart) {}

void Html::paragraph(std::string_view text, Tone tone) {
  fmt::format_to(std::back_inserter(text_), "<p{}>{}</p>\n", class_of(tone), sentence(text));
}

void Html::code(std::string_view text) {
  fmt::format_to(std::back_inserter(text_), "<p><code>{}</code></p>\n", sentence(text));
}

void Html::list(std::string_view title, const std::vector<std::string>& items, size_t most) {
  if (items.empty()) return;
  if (!title.empty()) paragraph(title, Tone::kTitle);
  text_ += "<ul>";
  const size_t listed = std::min(most, items.size());
  for (size_t i = 0; i < listed; ++i) {
    fmt::format_to(std::back_inserter(text_), "<li>{}</li>\n", sentence(items[i]));
  }
  if (listed < items.size()) {
    fmt::format_to(std::back_inserter(text_), "<li>and {} more</li>", format_count(items.size() - listed));
  }
  text_ += "</ul>\n";
}

void Html::table(const std::vector<HtmlColumn>& columns, const std::vector<std::vector<std::string>>& rows,
                 bool total) {
  const auto figure = [&](size_t column) { return columns[column].figure ? " class=\"u-figure\"" : ""; };
  text_ += "<table><thead><tr>";
  for (size_t c = 0; c < columns.size(); ++c) {
    fmt::format_to(std::back_inserter(text_), "<th{}>{}</th>", figure(c), markup(columns[c].title));
  }
  text_ += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    text_ += total && &row == &rows.back() ? "<tr class=\"u-total\">" : "<tr>";
    for (size_t c = 0; c < columns.size(); ++c) {
      fmt::format_to(std::back_inserter(text_), "<td{}>{}</td>", figure(c), markup(name_in_table(row[c])));
    }
    text_ += "</tr>\n";
  }
  text_ += "</tbody></table>\n";
}

std::string Html::take() && { return std::move(text_) + "</div>\n"; }

}  // namespace unfrag::report
