#include "report/address_space_svg.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/axis.h"
#include "report/markup.h"
#include "report/names.h"
#include "report/page.h"
#include "report/segment_rows.h"
#include "report/svg.h"
#include "report/where_text.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::MemoryState;
using analyze::PlacedSegment;

constexpr double kWidth = 720;
constexpr double kBar = 78;  // where bars begin
constexpr double kBarWidth = 440;
constexpr double kNotes = kBar + kBarWidth + 10;
constexpr double kTop = 44;
constexpr double kRow = 16;
constexpr double kRowFilled = 12;
constexpr size_t kMostRows = 36;
constexpr size_t kMostBytes = 60'000;
constexpr size_t kNameColumns = 60;
constexpr size_t kNoteColumns = 33;

struct Sums {
  Bytes reserved{}, pending{}, free{}, largest{};
  void add(const PlacedSegment& segment) {
    reserved += Bytes(segment.run.size);
    pending += segment.pending;
    free += segment.free;
    largest = std::max(largest, Bytes(segment.run.size));
  }
  /// "1.41 GiB allocated, 1.59 GiB free"
  [[nodiscard]] std::string text() const {
    return fmt::format("{} allocated, {}{} free", format_bytes(minus_or_zero(reserved, free + pending)),
                       pending == Bytes() ? "" : fmt::format("{} waiting for a stream, ", format_bytes(pending)),
                       format_bytes(free));
  }
};

std::string pool_text(const PlacedSegment& segment) {
  analyze::PoolUse use;
  use.stream = segment.run.stream;
  use.pool = segment.run.pool;
  use.kind = segment.run.kind;
  return segment.run.expandable ? fmt::format("expandable, {}", Names::pool(use)) : Names::pool(use);
}

std::string segment_text(const PlacedSegment& segment) {
  Sums sums;
  sums.add(segment);
  return fmt::format("Segment {:#x} of {}: {} in {}, the largest hole {}; {}", segment.run.addr,
                     format_bytes(Bytes(segment.run.size)), sums.text(), plural(segment.block_count, "block"),
                     format_bytes(segment.largest_hole), pool_text(segment));
}

class Drawing {
 public:
  /// `narrowest`: what is narrower is drawn together with its neighbours.
  Drawing(const analyze::Explanation& e, const DeviceFindings& d, const MemoryState& state, const SegmentRows& rows,
          double narrowest)
      : names_(e),
        d_(d),
        state_(state),
        rows_(rows),
        narrowest_(narrowest),
        notes_(notes()),
        svg_(kWidth, kTop + kRow * static_cast<double>(rows.rows.size() + notes_.size()) + 52,
             fmt::format("{}. {}.", title(), totals())) {}

  std::string draw() {
    svg_.text(0, 16, title(), Anchor::kStart, Weight::kBold);
    svg_.text(0, 33, totals());
    y_ = kTop;
    for (const SegmentRow& row : rows_.rows) draw_row(row);
    draw_axis();
    for (const std::string& note : notes_) {
      svg_.text(0, y_ + 11, note);
      y_ += kRow;
    }
    draw_legend();
    return std::move(svg_).take();
  }

 private:
  [[nodiscard]] std::string title() const {
    return fmt::format("{}: {}, {}", Names::device(d_), plural(state_.segments.size(), "segment"), Names::moment(d_));
  }
  [[nodiscard]] std::string totals() const {
    Sums sums;
    for (const PlacedSegment& segment : state_.segments) sums.add(segment);
    return fmt::format("{} reserved: {}", format_bytes(sums.reserved), sums.text());
  }

  [[nodiscard]] std::vector<std::string> notes() const {
    std::vector<std::string> all;
    if (!rows_.left_out.empty()) {
      Sums sums;
      for (const PlacedSegment* segment : rows_.left_out) sums.add(*segment);
      all.push_back(fmt::format("and {}, {}, none larger than {}: {}", plural(rows_.left_out.size(), "more segment"),
                                format_bytes(sums.reserved), format_bytes(sums.largest), sums.text()));
    }
    if (state_.blocks_outside > 0) {
      all.push_back(fmt::format("{} that contradict the segments: not drawn.", plural(state_.blocks_outside, "block")));
    }
    if (d_.allocated_is_lower_bound && state_.entry != analyze::kNever) all.push_back(lower_bound_note());
    return all;
  }

  [[nodiscard]] double width_of(uint64_t bytes) const {
    return kBarWidth * static_cast<double>(bytes) / static_cast<double>(rows_.longest);
  }

  void draw_row(const SegmentRow& row) {
    const PlacedSegment& segment = *row.segment;
    const std::string about = segment_text(segment);
    if (row.offset == 0) {
      svg_.text(kBar - 8, y_ + 10, format_bytes(Bytes(segment.run.size)), Anchor::kEnd);
      const std::string pool = pool_text(segment);
      svg_.text(kNotes, y_ + 10, name_in_table(pool, kNoteColumns), Anchor::kStart, Weight::kNormal,
                display_width(pool) > kNoteColumns ? pool : std::string());
    } else {
      svg_.text(kBar - 8, y_ + 10, fmt::format("+ {}", format_bytes(Bytes(row.offset))), Anchor::kEnd, Weight::kFaint);
    }
    const Box box = {kBar, y_, std::max(1.0, width_of(row.size)), kRowFilled};
    svg_.rect(box, {.fill = paint::kFree, .fill_opacity = 0.25}, about);
    const auto least = static_cast<uint64_t>(narrowest_ / kBarWidth * static_cast<double>(rows_.longest));
    for_each_stretch(state_, row, least, [&](const Stretch& stretch) { draw_stretch(row, stretch); });
    const bool special = !segment.run.pool.is_default();
    svg_.rect(box, {.stroke = special ? paint::kPrivate : paint::kText,
                    .stroke_width = special ? 1.5 : 0.8,
                    .stroke_opacity = special ? 1 : 0.5,
                    .dashes = segment.run.expandable ? "4 2" : ""});
    y_ += kRow;
  }

  void draw_stretch(const SegmentRow& row, const Stretch& stretch) {
    const double x = kBar + width_of(stretch.begin - row.segment->run.addr - row.offset);
    const uint64_t size = stretch.end - stretch.begin;
    const double width = width_of(size);
    const std::string about = stretch_text(stretch);
    if (stretch.blocks == 0) {
      svg_.rect({x, y_, width, kRowFilled}, {.fill = paint::kFree, .fill_opacity = 0}, about);
      return;
    }
    if (stretch.blocks == 1 && stretch.holes == 0) {
      Paint paint = {.fill = stretch.pending > 0 ? paint::kPending : paint::kAllocated};
      if (width >= 3) {
        paint.stroke = paint::kEdge;
        paint.stroke_width = 0.6;
      }
      svg_.rect({x, y_, width, kRowFilled}, paint, about);
      return;
    }
    const auto height = [&](uint64_t bytes) {
      return kRowFilled * static_cast<double>(bytes) / static_cast<double>(size);
    };
    const double used = height(stretch.allocated);
    const double waiting = height(stretch.pending);
    svg_.rect({x, y_ + kRowFilled - used, width, used}, {.fill = paint::kAllocated}, about);
    if (waiting > 0) svg_.rect({x, y_ + kRowFilled - used - waiting, width, waiting}, {.fill = paint::kPending}, about);
  }

  [[nodiscard]] std::string stretch_text(const Stretch& s) const {
    if (s.blocks == 0) {
      return fmt::format("{} free at {:#x}", format_bytes(Bytes(s.end - s.begin)), s.begin);
    }
    if (s.blocks == 1 && s.holes == 0) {
      const analyze::PlacedBlock& block = *s.block;
      return fmt::format("{} {} at {:#x}, {} bytes requested: {}", format_bytes(Bytes(block.size)),
                         block.pending ? "waiting for a stream" : "allocated", block.addr,
                         format_count(block.requested), name_in_table(names_.place(block.stack), kNameColumns));
    }
    std::string said =
        fmt::format("{} at {:#x}: {} allocated", plural(s.blocks, "block"), s.begin, format_bytes(Bytes(s.allocated)));
    if (s.pending > 0) said += fmt::format(", {} waiting for a stream", format_bytes(Bytes(s.pending)));
    const Bytes free(s.end - s.begin - s.allocated - s.pending);
    return s.holes == 0 ? said : fmt::format("{}, {} free in {}", said, format_bytes(free), plural(s.holes, "hole"));
  }

  void draw_axis() {
    const Bytes step = size_step(Bytes(rows_.longest), 6);
    const Paint tick = {.stroke = paint::kText, .stroke_opacity = 0.5};
    for (uint64_t i = 0; i <= rows_.longest / step.value(); ++i) {
      const double x = kBar + width_of(i * step.value());
      svg_.line(x, y_, x, y_ + 4, tick);
      svg_.text(x, y_ + 15, size_tick(Bytes(i * step.value())), Anchor::kMiddle);
    }
    y_ += 26;
  }

  void draw_legend() {
    double x = 0;
    const auto entry = [&](const Paint& paint, double height, std::string_view name, double width) {
      svg_.rect({x, y_ + 12 - height, 12, height}, paint);
      svg_.text(x + 17, y_ + 11, name);
      x += width;
    };
    entry({.fill = paint::kAllocated}, 11, "allocated", 80);
    entry({.fill = paint::kPending}, 11, "waiting for a stream", 140);
    entry({.fill = paint::kFree, .fill_opacity = 0.25}, 11, "free", 56);
    svg_.rect({x, y_ + 1, 12, 11}, {.fill = paint::kFree, .fill_opacity = 0.25});
    entry({.fill = paint::kAllocated}, 6, "several blocks: as high as they fill it", 236);
    entry({.stroke = paint::kPrivate, .stroke_width = 1.5}, 11, "private pool", 100);
    entry({.stroke = paint::kText, .stroke_opacity = 0.5, .dashes = "4 2"}, 11, "expandable", 0);
  }

  const Names names_;
  const DeviceFindings& d_;
  const MemoryState& state_;
  const SegmentRows& rows_;
  const double narrowest_;
  const std::vector<std::string> notes_;
  Svg svg_;
  double y_ = 0;
};

}  // namespace

std::string address_space_svg(const analyze::Explanation& e, const DeviceFindings& d, const MemoryState& state) {
  const SegmentRows rows = cut_into_rows(state, kMostRows, kBarWidth);
  if (rows.rows.empty()) {
    return svg_sentence(
        fmt::format("{}: no segments {}, so there is nothing to draw.", Names::device(d), Names::moment(d)));
  }
  for (double narrowest = 1;; narrowest *= 2) {
    std::string svg = Drawing(e, d, state, rows, narrowest).draw();
    if (svg.size() <= kMostBytes || narrowest > kBarWidth) return svg;
  }
}

}  // namespace unfrag::report
