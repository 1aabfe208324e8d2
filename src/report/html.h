// A fragment of HTML being written for a notebook: paragraphs, lists, tables and pictures in one <div>, whose few rules
// of style hold for that <div> alone. No script, no link, no id; also well-formed XML.
//
// All text is escaped here, and cut where a name in it is longer than anybody reads. Threads: one writer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace unfrag::report {

enum class Tone : uint8_t { kPlain, kVerdict, kAlarm, kTitle, kFaint };

struct HtmlColumn {
  std::string_view title;
  bool figure = false;  ///< Aligned on the right.
};

class Html {
 public:
  Html();

  void paragraph(std::string_view text, Tone tone = Tone::kPlain);
  /// A line to copy.
  void code(std::string_view text);
  /// At most `most` of them and how many more there are; nothing at all where there are none.
  void list(std::string_view title, const std::vector<std::string>& items, size_t most = 10);
  /// Shape: each row as long as `columns`. `total`: the last row is the sum of the others.
  void table(const std::vector<HtmlColumn>& columns, const std::vector<std::vector<std::string>>& rows,
             bool total = false);
  /// An element that is markup already.
  void picture(std::string_view element) { text_ += element; }

  [[nodiscard]] std::string take() &&;

 private:
  std::string text_;
};

}  // namespace unfrag::report
