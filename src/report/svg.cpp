#include "report/svg.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "report/markup.h"

namespace unfrag::report {
namespace {

std::string attributes_of(const Paint& paint) {
  std::string text = fmt::format(" fill=\"{}\"", paint.fill.empty() ? "none" : paint.fill);
  const auto add = [&](std::string_view name, double value) {
    if (value != 1) text += fmt::format(" {}=\"{:.2g}\"", name, value);
  };
  if (!paint.fill.empty()) add("fill-opacity", paint.fill_opacity);
  if (paint.stroke.empty()) return text;
  text += fmt::format(" stroke=\"{}\"", paint.stroke);
  add("stroke-width", paint.stroke_width);
  add("stroke-opacity", paint.stroke_opacity);
  if (!paint.dashes.empty()) text += fmt::format(" stroke-dasharray=\"{}\"", paint.dashes);
  return text;
}

constexpr double kLineHeight = 24;

}  // namespace

std::string svg_number(double value) {
  const auto tenths = static_cast<int64_t>(std::lround(value * 10));
  if (tenths % 10 == 0) return fmt::format("{}", tenths / 10);
  return fmt::format("{:.1f}", static_cast<double>(tenths) / 10);
}

Svg::Svg(double width, double height, std::string_view title) {
  const std::string named = markup(title);
  text_ = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{0}\" viewBox=\"0 0 {1} {2}\" "
      "width=\"{1}\" height=\"{2}\" style=\"max-width:100%;height:auto\" font-family=\"system-ui,sans-serif\" "
      "font-size=\"11\" fill=\"currentColor\"><title>{0}</title>\n",
      named, svg_number(width), svg_number(height));
}

void Svg::close(std::string_view element, std::string_view hover) {
  if (hover.empty()) {
    text_ += "/>\n";
  } else {
    fmt::format_to(std::back_inserter(text_), "><title>{}</title></{}>\n", markup(hover), element);
  }
}

void Svg::rect(const Box& box, const Paint& paint, std::string_view hover) {
  fmt::format_to(std::back_inserter(text_), "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}", svg_number(box.x),
                 svg_number(box.y), svg_number(box.width), svg_number(box.height), attributes_of(paint));
  close("rect", hover);
}

void Svg::path(std::string_view data, const Paint& paint, std::string_view hover) {
  fmt::format_to(std::back_inserter(text_), "<path d=\"{}\"{}", data, attributes_of(paint));
  close("path", hover);
}

void Svg::circle(double x, double y, double radius, const Paint& paint, std::string_view hover) {
  fmt::format_to(std::back_inserter(text_), "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}", svg_number(x), svg_number(y),
                 svg_number(radius), attributes_of(paint));
  close("circle", hover);
}

void Svg::line(double x1, double y1, double x2, double y2, const Paint& paint) {
  path(fmt::format("M{} {}L{} {}", svg_number(x1), svg_number(y1), svg_number(x2), svg_number(y2)), paint);
}

void Svg::text(double x, double y, std::string_view text, Anchor anchor, Weight weight, std::string_view hover) {
  fmt::format_to(std::back_inserter(text_), "<text x=\"{}\" y=\"{}\"", svg_number(x), svg_number(y));
  if (anchor != Anchor::kStart) {
    fmt::format_to(std::back_inserter(text_), " text-anchor=\"{}\"", anchor == Anchor::kEnd ? "end" : "middle");
  }
  if (weight == Weight::kBold) text_ += " font-weight=\"bold\"";
  if (weight == Weight::kFaint) text_ += " fill-opacity=\"0.75\"";
  fmt::format_to(std::back_inserter(text_), ">{}", markup(text));
  if (!hover.empty()) fmt::format_to(std::back_inserter(text_), "<title>{}</title>", markup(hover));
  text_ += "</text>\n";
}

std::string Svg::take() && { return std::move(text_) + "</svg>\n"; }

std::string svg_sentence(std::string_view sentence) {
  Svg svg(720, kLineHeight, sentence);
  svg.text(0, kLineHeight - 8, sentence);
  return std::move(svg).take();
}

}  // namespace unfrag::report
