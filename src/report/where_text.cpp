#include "report/where_text.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "report/bars.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;

constexpr size_t kMostPinned = 3;

struct Row {
  std::string_view label;
  Bytes bytes;
  const char* glyph;
};

void write_amount(Page& page, std::string_view label, Bytes bytes, Bytes total) {
  const double share =
      total == Bytes() ? 0 : 100.0 * static_cast<double>(bytes.value()) / static_cast<double>(total.value());
  page.line("  {}{} {} {}", fit_left(label, 27, page.unicode()), Page::column(bytes),
            total == Bytes() ? std::string(7, ' ') : fmt::format("{:5.1f} %", share),
            page.width() >= 72 ? fit_right(format_count(bytes.value()), kExactColumn) : std::string());
}

void write_pools(Page& page, const DeviceFindings& d) {
  if (d.where.pools.size() < 2) return;
  const size_t name_width = page.width() - 2 - 3 * (kSizeColumn + 1);
  page.blank();
  page.line("  {} {} {} {}", fit_left("free memory serves only its own", name_width, page.unicode()),
            fit_right("reserved", kSizeColumn), fit_right("free", kSizeColumn), fit_right("in one hole", kSizeColumn));
  for (const analyze::PoolUse& use : d.where.pools) {
    page.line("  {} {} {} {}", fit_left(Names::pool(use), name_width, page.unicode()), Page::column(use.reserved),
              Page::column(use.free), Page::column(use.largest_hole));
  }
}

}  // namespace

std::string lower_bound_note() {
  return "Blocks over 1 MiB may be up to 1 MiB larger than shown here, their free neighbours smaller.";
}

void write_where(Page& page, const DeviceFindings& d) {
  const analyze::Where& w = d.where;
  page.heading(fmt::format("Where the bytes are, {}", Names::moment(d)));
  const std::array rows = {
      Row{"requested", w.requested, page.unicode() ? "█" : "#"},
      Row{"rounding", w.rounding, page.unicode() ? "▓" : "%"},
      Row{"waiting for a stream", w.pending, page.unicode() ? "▒" : "w"},
      Row{"free in used segments", w.free_in_segments, page.unicode() ? "░" : "-"},
      Row{"wholly free segments", w.free_segments, page.unicode() ? "·" : "."},
  };
  std::vector<BarPart> parts;
  parts.reserve(rows.size());
  for (const Row& row : rows) parts.push_back({row.bytes.value(), row.glyph});
  page.line("  [{}]", draw_bar(parts, page.width() - 4));
  for (const Row& row : rows) {
    if (row.bytes == Bytes() && (row.label.starts_with("waiting") || row.label.starts_with("wholly"))) continue;
    write_amount(page, fmt::format("{} {}", row.glyph, row.label), row.bytes, w.reserved);
  }
  write_amount(page, "  reserved", w.reserved, w.reserved);
  if (w.outside != Bytes()) write_amount(page, "  contradicts the segments", w.outside, Bytes());
  if (w.unmapped != Bytes()) write_amount(page, "  unmapped again (outside)", w.unmapped, Bytes());
  if (d.allocated_is_lower_bound && d.at_entry != analyze::kNever) {
    page.paragraph(lower_bound_note(), 2);
  }
  write_pools(page, d);
}

void write_pinned(Page& page, const Names& names, const DeviceFindings& d) {
  if (d.pinned.empty()) return;
  page.heading("Segments that cannot go back to the driver, most free bytes first");
  const size_t listed = std::min(kMostPinned, d.pinned.size());
  for (size_t i = 0; i < listed; ++i) {
    const analyze::PinnedSegment& segment = d.pinned[i];
    page.paragraph(fmt::format("{:#x}: {} in {} {} the other {} of {}; the largest block, {}, is from {}",
                               segment.run.addr, format_bytes(segment.held), plural(segment.blocks, "block"),
                               segment.blocks == 1 ? "keeps" : "keep", format_bytes(segment.free),
                               format_bytes(Bytes(segment.run.size)), format_bytes(Bytes(segment.largest.size)),
                               page.trimmed(names.place(segment.largest.stack), page.width() - 4)),
                   2, 4);
  }
  if (listed < d.pinned.size()) page.line("  and {} more", d.pinned.size() - listed);
  page.line("  empty_cache would return {}.", format_bytes(d.holes.releasable));
}

}  // namespace unfrag::report
