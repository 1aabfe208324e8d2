#include "report/timeline_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "report/axis.h"
#include "report/names.h"
#include "report/page.h"
#include "report/svg.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::FailedRequest;
using analyze::Peak;
using analyze::TimelinePoint;
using analyze::Usage;

constexpr double kWidth = 720;
constexpr Box kPlot = {.x = 64, .y = 30, .width = 636, .height = 180};
constexpr double kBottom = kPlot.y + kPlot.height;
constexpr double kLegend = kBottom + 48;  // baseline of its first row
constexpr double kLegendRow = 17;
constexpr size_t kMostPoints = 256;
constexpr double kMarkDistance = 20;  // failed requests closer than this share a mark

struct Curve {
  std::string_view name;
  Bytes Usage::* member;
  Peak peak;
  Paint paint;
  bool of_blocks = false;  // sizes that may be lower bounds
};

/// At most kMostPoints stretches, each with the highest values in it.
std::vector<TimelinePoint> thinned(const std::vector<TimelinePoint>& points) {
  const size_t each = (points.size() + kMostPoints - 1) / kMostPoints;
  std::vector<TimelinePoint> few;
  for (size_t i = 0; i < points.size(); ++i) {
    if (i % each == 0) few.push_back(points[i]);
    TimelinePoint& point = few.back();
    point.last_entry = points[i].last_entry;
    for (const auto member : {&Usage::allocated, &Usage::active, &Usage::requested, &Usage::reserved}) {
      point.highest.*member = std::max(point.highest.*member, points[i].highest.*member);
    }
  }
  return few;
}

/// What was active without being allocated waits for other streams: seldom anything, then one curve shows both.
bool anything_waits(const DeviceFindings& d) {
  return d.curves.active.bytes != d.curves.allocated.bytes ||
         std::ranges::any_of(d.curves.timeline,
                             [](const TimelinePoint& p) { return p.highest.active != p.highest.allocated; });
}

/// In the order in which they are drawn over each other.
std::vector<Curve> curves_of(const DeviceFindings& d) {
  const analyze::UsageCurves& c = d.curves;
  const bool waits = anything_waits(d);
  std::vector<Curve> curves = {{"reserved", &Usage::reserved, c.reserved, {.fill = paint::kFree, .fill_opacity = 0.4}}};
  if (waits) curves.push_back({"active", &Usage::active, c.active, {.fill = paint::kPending}, true});
  curves.push_back({waits ? "allocated" : "allocated and active",
                    &Usage::allocated,
                    c.allocated,
                    {.fill = paint::kAllocated},
                    true});
  curves.push_back({"requested",
                    &Usage::requested,
                    c.requested,
                    {.stroke = paint::kText, .stroke_width = 0.8, .stroke_opacity = 0.8}});
  return curves;
}

// "peak 1.40 GiB", "1,503,238,656 bytes or more", "after entry 116"
std::string entry_text(const Peak& peak) {
  return peak.entry == analyze::kBefore ? std::string("at the start")
                                        : fmt::format("after entry {}", format_count(peak.entry));
}
std::string bytes_text(const DeviceFindings& d, const Curve& curve) {
  return fmt::format("{} bytes{}", format_count(curve.peak.bytes.value()),
                     d.allocated_is_lower_bound && curve.of_blocks ? " or more" : "");
}
std::string peak_text(const DeviceFindings& d, const Curve& curve) {
  return fmt::format("peak {} {} ({}) {}", curve.name, format_bytes(curve.peak.bytes), bytes_text(d, curve),
                     entry_text(curve.peak));
}

class Drawing {
 public:
  explicit Drawing(const DeviceFindings& d)
      : d_(d),
        curves_(curves_of(d)),
        points_(thinned(d.curves.timeline)),
        full_(std::max({Bytes(1), d.curves.reserved.bytes, d.curves.active.bytes})),
        svg_(kWidth, kLegend + kLegendRow * static_cast<double>(curves_.size() + (d.ooms.empty() ? 0 : 1)) - 8,
             title()) {}

  std::string draw() {
    svg_.text(0, 16, fmt::format("{}: memory over {}", Names::device(d_), trace_entries(d_.events)), Anchor::kStart,
              Weight::kBold);
    draw_axes();
    for (const Curve& curve : curves_) svg_.path(steps(curve), curve.paint);
    draw_failures();
    draw_peak(curves_.front());
    draw_peak(curves_[curves_.size() - 2]);
    draw_legend();
    return std::move(svg_).take();
  }

 private:
  [[nodiscard]] std::string title() const {
    std::string said = fmt::format("{} over {}: ", Names::device(d_), trace_entries(d_.events));
    for (const Curve& curve : curves_) {
      said += fmt::format("{}{}", peak_text(d_, curve), &curve == &curves_.back() ? "." : "; ");
    }
    return d_.ooms.empty() ? said : fmt::format("{} {}.", said, failures_text(d_.ooms.front(), d_.ooms.size()));
  }

  [[nodiscard]] double x(uint64_t entry) const {
    return kPlot.x + kPlot.width * static_cast<double>(std::min<uint64_t>(entry, d_.events)) /
                         static_cast<double>(std::max(d_.events, 1U));
  }
  [[nodiscard]] double y(Bytes bytes) const {
    constexpr double kHeadroom = 1.05;
    const double share = static_cast<double>(bytes.value()) / (kHeadroom * static_cast<double>(full_.value()));
    return kBottom - kPlot.height * std::min(share, 1.0);
  }

  /// To half a pixel, which is less text.
  [[nodiscard]] std::string level_of(const TimelinePoint& point, const Curve& curve) const {
    return svg_number(std::round(y(point.highest.*curve.member) * 2) / 2);
  }

  void draw_axes() {
    const Paint grid = {.stroke = paint::kText, .stroke_width = 0.5, .stroke_opacity = 0.25};
    const Bytes step = size_step(full_, 5);
    for (uint64_t i = 0; i <= full_.value() / step.value(); ++i) {
      const Bytes at(i * step.value());
      svg_.line(kPlot.x, y(at), kPlot.x + kPlot.width, y(at), grid);
      svg_.text(kPlot.x - 6, y(at) + 4, size_tick(at), Anchor::kEnd);
    }
    const uint64_t entries = count_step(d_.events, 8);
    for (uint64_t at = 0; at <= d_.events; at += entries) {
      svg_.line(x(at), kBottom, x(at), kBottom + 4, {.stroke = paint::kText, .stroke_opacity = 0.5});
      svg_.text(x(at), kBottom + 16, format_count(at), Anchor::kMiddle);
    }
    svg_.text(kPlot.x + kPlot.width, kBottom + 30, axis_title(), Anchor::kEnd, Weight::kFaint);
  }

  [[nodiscard]] std::string axis_title() const {
    std::string said = "trace entry";
    const uint64_t each = uint64_t{points_.front().last_entry} + 1;
    if (each > 1) said += fmt::format("; each step is the highest of {}", format_count(each));
    return d_.complete ? said : said + "; the recording begins mid-way";
  }

  /// The outline of a curve from the left to the right; down to the axis where it is filled.
  [[nodiscard]] std::string steps(const Curve& curve) const {
    const bool filled = !curve.paint.fill.empty();
    std::string level = level_of(points_.front(), curve);
    std::string data = fmt::format("M{} {}", svg_number(kPlot.x), filled ? svg_number(kBottom) : level);
    if (filled) data += fmt::format("V{}", level);
    uint64_t next = 0;
    for (const TimelinePoint& point : points_) {
      std::string there = level_of(point, curve);
      if (there != level) data += fmt::format("H{}V{}", svg_number(x(next)), there);
      level = std::move(there);
      next = uint64_t{point.last_entry} + 1;
    }
    data += fmt::format("H{}", svg_number(x(next)));
    return filled ? fmt::format("{}V{}Z", data, svg_number(kBottom)) : data;
  }

  void draw_peak(const Curve& curve) {
    const double at = curve.peak.entry == analyze::kBefore ? kPlot.x : x(curve.peak.entry);
    svg_.circle(at, y(curve.peak.bytes), 3, {.fill = curve.paint.fill, .stroke = paint::kText, .stroke_width = 1.2},
                peak_text(d_, curve));
  }

  void draw_failures() {
    for (size_t i = 0; i < d_.ooms.size();) {
      const double at = x(d_.ooms[i].entry);
      size_t end = i + 1;
      while (end < d_.ooms.size() && x(d_.ooms[end].entry) - at < kMarkDistance) ++end;
      svg_.path(fmt::format("M{} {}h8l-4 7V{}V{}z", svg_number(at - 4), svg_number(kPlot.y - 7), svg_number(kBottom),
                            svg_number(kPlot.y)),
                {.fill = paint::kAlarm, .stroke = paint::kAlarm}, failures_text(d_.ooms[i], end - i));
      i = end;
    }
  }

  /// "Out of memory at entry 116: 400.00 MiB requested", "Out of memory 3 times, first at entry 5".
  static std::string failures_text(const FailedRequest& first, size_t count) {
    if (count == 1) {
      return fmt::format("Out of memory at entry {}: {} requested", format_count(first.entry),
                         format_bytes(first.rounded));
    }
    return fmt::format("Out of memory {} times, first at entry {}", format_count(count), format_count(first.entry));
  }

  void draw_legend() {
    double at = kLegend;
    for (auto curve = curves_.rbegin(); curve != curves_.rend(); ++curve, at += kLegendRow) {
      if (curve->paint.fill.empty()) {
        svg_.line(kPlot.x, at - 4, kPlot.x + 12, at - 4, curve->paint);
      } else {
        svg_.rect({kPlot.x, at - 9, 12, 10}, curve->paint);
      }
      svg_.text(kPlot.x + 18, at, curve->name);
      svg_.text(312, at, fmt::format("peak {}", format_bytes(curve->peak.bytes)), Anchor::kEnd, Weight::kBold);
      svg_.text(482, at, bytes_text(d_, *curve), Anchor::kEnd);
      svg_.text(498, at, entry_text(curve->peak));
    }
    if (d_.ooms.empty()) return;
    svg_.path(fmt::format("M{} {}h8l-4 7z", svg_number(kPlot.x + 2), svg_number(at - 8)), {.fill = paint::kAlarm});
    svg_.text(kPlot.x + 18, at, failures_text(d_.ooms.front(), d_.ooms.size()));
  }

  const DeviceFindings& d_;
  const std::vector<Curve> curves_;
  const std::vector<TimelinePoint> points_;
  const Bytes full_;
  Svg svg_;
};

}  // namespace

std::string timeline_svg(const DeviceFindings& findings) {
  if (findings.curves.timeline.empty()) {
    return svg_sentence(
        fmt::format("{}: no trace entries, so nothing is known of its memory over time.", Names::device(findings)));
  }
  return Drawing(findings).draw();
}

}  // namespace unfrag::report
