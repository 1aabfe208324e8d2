// A picture being written as SVG that stands in a page beside others: no script, no style sheet, no id and no address,
// text and lines in the page's own colour (currentColor), fills that can be told apart on white and on black.
//
// All text is escaped here. Threads: one writer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace unfrag::report {

namespace paint {
inline constexpr std::string_view kAllocated = "#4a8bd8";
inline constexpr std::string_view kEdge = "#2b5f9e";
inline constexpr std::string_view kPending = "#e39b26";
inline constexpr std::string_view kFree = "#8c8c8c";
inline constexpr std::string_view kAlarm = "#e0463c";
inline constexpr std::string_view kPrivate = "#a066d3";
inline constexpr std::string_view kText = "currentColor";
}  // namespace paint

/// How a shape is filled and outlined; empty means not at all.
struct Paint {
  std::string_view fill{};
  double fill_opacity = 1;
  std::string_view stroke{};
  double stroke_width = 1;
  double stroke_opacity = 1;
  std::string_view dashes{};
};

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

enum class Anchor : uint8_t { kStart, kMiddle, kEnd };
enum class Weight : uint8_t { kNormal, kBold, kFaint };

class Svg {
 public:
  /// `title`: what the picture shows, in a sentence, for those who cannot see it.
  Svg(double width, double height, std::string_view title);

  /// `hover` is shown while the pointer is over the shape; may be empty.
  void rect(const Box& box, const Paint& paint, std::string_view hover = {});
  void path(std::string_view data, const Paint& paint, std::string_view hover = {});
  void circle(double x, double y, double radius, const Paint& paint, std::string_view hover = {});
  void line(double x1, double y1, double x2, double y2, const Paint& paint);
  void text(double x, double y, std::string_view text, Anchor anchor = Anchor::kStart, Weight weight = Weight::kNormal,
            std::string_view hover = {});

  [[nodiscard]] std::string take() &&;

 private:
  void close(std::string_view element, std::string_view hover);

  std::string text_;
};

/// A coordinate with one decimal, and none where it is 0.
std::string svg_number(double value);

/// A sentence in the place of a picture that has nothing to show.
std::string svg_sentence(std::string_view sentence);

}  // namespace unfrag::report
