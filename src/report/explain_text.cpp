#include "report/explain_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"
#include "report/bars.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;
using analyze::Grouping;

constexpr size_t kSizeColumn = 11;   // "1023.99 MiB"
constexpr size_t kExactColumn = 19;  // "281,474,976,710,656"
constexpr size_t kMostOoms = 5;
constexpr size_t kMostPinned = 3;

std::string plural(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : noun.ends_with("y") ? "" : "s");
}

std::string entries(uint64_t count) {
  return count == 1 ? std::string("1 trace entry") : format_count(count) + " trace entries";
}

class Writer {
 public:
  Writer(const Explanation& explanation, const TextOptions& options)
      : e_(explanation), o_(options), width_(std::max(options.width, kNarrowest)) {}

  std::string run() && {
    if (!o_.quiet) header();
    if (e_.devices.empty() && e_.host.empty()) {
      nothing_to_see();
    } else if (!e_.devices.empty()) {
      device(e_.devices[e_.chosen]);
      if (!o_.quiet) other_devices();
    }
    for (const DeviceFindings& host : e_.host) device(host);
    if (!o_.quiet) warnings();
    if (!o_.quiet) next_command();
    return std::move(out_);
  }

 private:
  // ---- lines ----
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    out_ += '\n';
  }
  void heading(std::string_view text) {
    out_ += '\n';
    if (o_.color) out_ += "\x1b[1m";
    paragraph(text);
    if (o_.color) out_.insert(out_.size() - 1, "\x1b[0m");
  }
  /// Text of any length in lines of at most width_, the first behind `first` spaces, the others behind `rest`.
  void paragraph(std::string_view text, size_t first = 0, size_t rest = 2) {
    std::string current(first, ' ');
    bool empty = true;
    for (size_t at = 0; at <= text.size();) {
      const size_t end = std::min(text.find(' ', at), text.size());
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
  }

  [[nodiscard]] std::string text(trace::StringIdx idx) const { return escape_text(e_.trace->strings[idx]); }

  // ---- sections ----
  void header() {
    const trace::Trace& trace = *e_.trace;
    std::string about = fmt::format("{}: a memory snapshot", e_.path == "-" ? "standard input" : escape_text(e_.path));
    if (trace.dialect.known())
      about += fmt::format(" of PyTorch {}.{} or later", trace.dialect.major, trace.dialect.minor);
    about += fmt::format(", {}", format_bytes(Bytes(e_.bytes)));
    if (trace.truncated) about += ", CUT OFF";
    paragraph(about);
  }

  void nothing_to_see() {
    const auto& conf = e_.trace->settings.conf;
    if (conf && conf->find("cudaMallocAsync") != std::string::npos) {
      paragraph(
          "Nothing to see: the recording was made with backend:cudaMallocAsync, where the driver places the memory "
          "and PyTorch records neither segments nor a trace. Record once without that setting.");
      return;
    }
    paragraph(
        "Nothing to see: no segments and no trace. Either nothing had been allocated on a GPU when the snapshot was "
        "taken, or memory did not go through PyTorch's caching allocator (backend:cudaMallocAsync, "
        "PYTORCH_NO_CUDA_MEMORY_CACHING=1, a pluggable allocator).");
  }

  void device(const DeviceFindings& d) {
    if (!o_.quiet) out_ += '\n';
    verdict(d);
    if (o_.quiet) return;
    paragraph(coverage(d));
    where(d);
    timeline(d);
    ooms(d);
    holders(d);
    pinned(d);
  }

  [[nodiscard]] static std::string name(const DeviceFindings& d) {
    return d.kind == trace::DeviceKind::kHost ? std::string("Pinned host memory") : fmt::format("Device {}", d.index);
  }

  [[nodiscard]] static std::string coverage(const DeviceFindings& d) {
    if (d.events == 0) return "No trace was recorded, so only the moment of the snapshot is known.";
    return fmt::format("Recorded: {}, {}.", entries(d.events),
                       d.complete ? "from the process's first allocation" : "which begin mid-way");
  }

  // The facts of the moment, first. Why it came to that is for the verdict.
  void verdict(const DeviceFindings& d) {
    std::string said;
    if (!d.ooms.empty()) {
      const analyze::FailedRequest& oom = d.ooms.back();
      said = fmt::format("{} ran out of memory", name(d));
      if (d.ooms.size() > 1) said += fmt::format(" {} times, last", d.ooms.size());
      said += fmt::format(" at entry {}: {} were requested, the driver had {} left", oom.entry,
                          format_bytes(oom.rounded), format_bytes(oom.device_free));
      if (d.at_kind == analyze::Moment::kOom) {
        said += fmt::format(", and {} of the {} reserved lay free, {} in the largest hole", format_bytes(d.holes.free),
                            format_bytes(d.where.reserved), format_bytes(d.holes.largest_free));
      }
      said += ".";
    } else {
      said = fmt::format("{} holds {} in {}, of which {} are allocated.", name(d), format_bytes(d.now.usage.reserved),
                         plural(d.now.segments, "segment"), format_bytes(d.now.usage.allocated));
    }
    if (o_.color && !d.ooms.empty()) out_ += "\x1b[31m";
    paragraph(said);
    if (o_.color && !d.ooms.empty()) out_.insert(out_.size() - 1, "\x1b[0m");
  }

  [[nodiscard]] static std::string moment(const DeviceFindings& d) {
    std::string after =
        d.at_entry == analyze::kBefore ? "before the first entry" : fmt::format("after entry {}", d.at_entry);
    switch (d.at_kind) {
      case analyze::Moment::kOom: return fmt::format("when memory ran out, {}", after);
      case analyze::Moment::kPeak:
        return d.at_entry == analyze::kNever ? "at the time of the snapshot" : fmt::format("at the peak, {}", after);
      case analyze::Moment::kEvent: return after;
      default: return "at the time of the snapshot";
    }
  }

  struct Row {
    std::string_view label;
    Bytes bytes;
    const char* glyph;
  };

  void where(const DeviceFindings& d) {
    const analyze::Where& w = d.where;
    heading(fmt::format("Where the bytes are, {}", moment(d)));
    const std::array rows = {
        Row{"requested", w.requested, o_.unicode ? "█" : "#"},
        Row{"rounding", w.rounding, o_.unicode ? "▓" : "%"},
        Row{"waiting for a stream", w.pending, o_.unicode ? "▒" : "w"},
        Row{"free in used segments", w.free_in_segments, o_.unicode ? "░" : "-"},
        Row{"wholly free segments", w.free_segments, o_.unicode ? "·" : "."},
    };
    std::vector<BarPart> parts;
    parts.reserve(rows.size());
    for (const Row& row : rows) parts.push_back({row.bytes.value(), row.glyph});
    line("  [{}]", draw_bar(parts, width_ - 4));
    for (const Row& row : rows) {
      if (row.bytes == Bytes() && (row.label.starts_with("waiting") || row.label.starts_with("wholly"))) continue;
      amount(fmt::format("{} {}", row.glyph, row.label), row.bytes, w.reserved);
    }
    amount("  reserved", w.reserved, w.reserved);
    if (w.outside != Bytes()) amount("  contradicts the segments", w.outside, Bytes());
    if (w.unmapped != Bytes()) amount("  unmapped again (outside)", w.unmapped, Bytes());
    if (d.allocated_is_lower_bound && d.at_entry != analyze::kNever) {
      paragraph("Blocks over 1 MiB may be up to 1 MiB larger than shown here, their free neighbours smaller.", 2);
    }
    pools(d);
  }

  void amount(std::string_view label, Bytes bytes, Bytes total) {
    const double share =
        total == Bytes() ? 0 : 100.0 * static_cast<double>(bytes.value()) / static_cast<double>(total.value());
    line("  {}{} {} {}", fit_left(label, 27, o_.unicode), fit_right(format_bytes(bytes), kSizeColumn),
         total == Bytes() ? std::string(7, ' ') : fmt::format("{:5.1f} %", share),
         width_ >= 72 ? fit_right(format_count(bytes.value()), kExactColumn) : std::string());
  }

  [[nodiscard]] static std::string pool_name(const analyze::PoolUse& use) {
    std::string kind = use.kind == trace::PoolKind::kSmall   ? "small"
                       : use.kind == trace::PoolKind::kLarge ? "large"
                                                             : "pool";
    if (use.stream != 0) kind += fmt::format(", stream {}", use.stream);
    if (!use.pool.is_default()) kind += fmt::format(", private pool ({}, {})", use.pool.first, use.pool.second);
    return kind;
  }

  void pools(const DeviceFindings& d) {
    if (d.where.pools.size() < 2) return;
    const size_t name_width = width_ - 2 - 3 * (kSizeColumn + 1);
    out_ += '\n';
    line("  {} {} {} {}", fit_left("free memory serves only its own", name_width, o_.unicode),
         fit_right("reserved", kSizeColumn), fit_right("free", kSizeColumn), fit_right("in one hole", kSizeColumn));
    for (const analyze::PoolUse& use : d.where.pools) {
      line("  {} {} {} {}", fit_left(pool_name(use), name_width, o_.unicode),
           fit_right(format_bytes(use.reserved), kSizeColumn), fit_right(format_bytes(use.free), kSizeColumn),
           fit_right(format_bytes(use.largest_hole), kSizeColumn));
    }
  }

  void timeline(const DeviceFindings& d) {
    const analyze::UsageCurves& c = d.curves;
    if (c.timeline.size() < 2) return;
    const uint64_t full = std::max(c.reserved.bytes, c.active.bytes).value();
    heading(fmt::format("Over time, from the first entry to the last; full height is {}", format_bytes(Bytes(full))));
    struct Curve {
      const char* name;
      Bytes analyze::Usage::* member;
      const analyze::Peak& peak;
    };
    const std::array curves = {Curve{"reserved", &analyze::Usage::reserved, c.reserved},
                               Curve{"active", &analyze::Usage::active, c.active},
                               Curve{"allocated", &analyze::Usage::allocated, c.allocated},
                               Curve{"requested", &analyze::Usage::requested, c.requested}};
    for (const Curve& curve : curves) {
      if (&curve == &curves[0] || &curve == &curves[2]) {
        std::vector<uint64_t> values;
        values.reserve(c.timeline.size());
        for (const analyze::TimelinePoint& point : c.timeline) values.push_back((point.highest.*curve.member).value());
        line("  {} {}", fit_left(curve.name, 9, o_.unicode), draw_sparkline(values, full, width_ - 12, o_.unicode));
      }
    }
    for (const Curve& curve : curves) {
      const bool lower = d.allocated_is_lower_bound && (&curve == &curves[1] || &curve == &curves[2]);
      const std::string entry = curve.peak.entry == analyze::kBefore ? std::string("at the start")
                                                                     : fmt::format("entry {}", curve.peak.entry);
      line("  peak {} {}{}  {}", fit_left(curve.name, 9, o_.unicode),
           fit_right(format_bytes(curve.peak.bytes), kSizeColumn), lower ? " or more" : "        ", entry);
    }
  }

  void ooms(const DeviceFindings& d) {
    if (d.ooms.empty()) return;
    heading("Out of memory");
    const size_t place_width = width_ - 2 - 9 - 2 * (kSizeColumn + 1) - 1;
    line("  {} {} {} {}", fit_right("entry", 9), fit_right("requested", kSizeColumn),
         fit_right("driver left", kSizeColumn), "by");
    const size_t skipped = d.ooms.size() > kMostOoms ? d.ooms.size() - kMostOoms : 0;
    if (skipped > 0) line("  {}", fmt::format("{} earlier ones", format_count(skipped)));
    for (size_t i = skipped; i < d.ooms.size(); ++i) {
      const analyze::FailedRequest& oom = d.ooms[i];
      line("  {} {} {} {}", fit_right(format_count(oom.entry), 9), fit_right(format_bytes(oom.rounded), kSizeColumn),
           fit_right(format_bytes(oom.device_free), kSizeColumn), trimmed(place(oom.stack), place_width));
    }
  }

  /// `value`, or its tail where it is longer than `columns`, without padding.
  [[nodiscard]] std::string trimmed(std::string_view value, size_t columns) const {
    std::string fitted = fit_left(value, columns, o_.unicode);
    while (!fitted.empty() && fitted.back() == ' ') fitted.pop_back();
    return fitted;
  }

  [[nodiscard]] std::string place(trace::StackIdx stack) const {
    const analyze::Culprit culprit = e_.user_code->culprit(stack);
    return place(culprit.frame, culprit.origin);
  }

  [[nodiscard]] std::string place(trace::FrameIdx idx, analyze::Origin origin) const {
    if (idx.is_none()) {
      const bool others_have = e_.trace->stacks.size() > 1;
      return others_have ? "(no Python stack: mostly the backward thread)" : "(no stacks recorded)";
    }
    const trace::Frame& frame = e_.trace->frames[idx];
    if (origin == analyze::Origin::kNative) {
      const std::string function = text(frame.name);
      return fmt::format("(no Python frame) {}", function.substr(0, function.find('(', 1)));
    }
    const std::string where = e_.grouping == Grouping::kFunction
                                  ? text(frame.filename)
                                  : fmt::format("{}:{}", text(frame.filename), frame.line);
    return fmt::format("{} {}", where, text(frame.name));
  }

  [[nodiscard]] std::string holder_name(const analyze::Holder& holder) const {
    if (holder.outside) return "(blocks that contradict the segments)";
    switch (e_.grouping) {
      case Grouping::kStream: return fmt::format("stream {}", holder.stream);
      case Grouping::kSegment: return fmt::format("segment {:#x}", holder.segment);
      default: return place(holder.frame, holder.origin);
    }
  }

  void holders(const DeviceFindings& d) {
    if (d.holders.empty()) return;
    constexpr std::array<const char*, 4> kTitles = {"line", "function", "stream", "segment"};
    heading(fmt::format("Who holds the allocated memory, by {}", kTitles[static_cast<size_t>(e_.grouping)]));
    const bool same = d.at_entry == d.curves.allocated.entry;
    const std::string at = d.at_kind == analyze::Moment::kOom   ? "at the OOM"
                           : d.at_kind == analyze::Moment::kEnd ? "now"
                                                                : "then";
    line("  {} {} {} {}", fit_right(at, kSizeColumn), fit_right(same ? "" : "at the peak", kSizeColumn),
         fit_right("blocks", 7), "");
    analyze::Held at_rest, peak_rest, at_total, peak_total;
    const size_t listed = std::min(o_.top, d.holders.size());
    for (size_t i = 0; i < d.holders.size(); ++i) {
      const analyze::Holder& holder = d.holders[i];
      add(at_total, holder.at);
      add(peak_total, holder.at_peak);
      if (i >= listed) {
        add(at_rest, holder.at);
        add(peak_rest, holder.at_peak);
        continue;
      }
      holder_row(holder.at, holder.at_peak, same, holder_name(holder));
      if (o_.stacks) stack(holder.stack);
    }
    if (listed < d.holders.size()) {
      holder_row(at_rest, peak_rest, same,
                 fmt::format("{} more, --top {} lists all", d.holders.size() - listed, d.holders.size()));
    }
    holder_row(at_total, peak_total, same, "TOTAL");
  }

  static void add(analyze::Held& sum, const analyze::Held& held) {
    sum.bytes += held.bytes;
    sum.blocks += held.blocks;
  }

  void holder_row(const analyze::Held& at, const analyze::Held& peak, bool same, std::string_view who) {
    const size_t name_width = width_ - 2 - 2 * (kSizeColumn + 1) - 8;
    line("  {} {} {} {}", fit_right(format_bytes(at.bytes), kSizeColumn),
         fit_right(same ? std::string() : format_bytes(peak.bytes), kSizeColumn), fit_right(format_count(at.blocks), 7),
         trimmed(who, name_width));
  }

  void stack(trace::StackIdx idx) {
    for (const trace::FrameIdx index : e_.trace->stacks[idx]) {
      const trace::Frame& frame = e_.trace->frames[index];
      paragraph(fmt::format("{}:{} {}", text(frame.filename), frame.line, text(frame.name)), 6, 8);
    }
  }

  void pinned(const DeviceFindings& d) {
    if (d.pinned.empty()) return;
    heading("Segments that cannot go back to the driver, most free bytes first");
    const size_t listed = std::min(kMostPinned, d.pinned.size());
    for (size_t i = 0; i < listed; ++i) {
      const analyze::PinnedSegment& segment = d.pinned[i];
      paragraph(fmt::format("{:#x}: {} in {} {} the other {} of {}; the largest block, {}, is from {}",
                            segment.run.addr, format_bytes(segment.held), plural(segment.blocks, "block"),
                            segment.blocks == 1 ? "keeps" : "keep", format_bytes(segment.free),
                            format_bytes(Bytes(segment.run.size)), format_bytes(Bytes(segment.largest.size)),
                            trimmed(place(segment.largest.stack), width_ - 4)),
                2, 4);
    }
    if (listed < d.pinned.size()) line("  and {} more", d.pinned.size() - listed);
    line("  empty_cache would return {}.", format_bytes(d.holes.releasable));
  }

  void other_devices() {
    if (e_.devices.size() < 2) return;
    heading("Other devices in this file");
    for (size_t i = 0; i < e_.devices.size(); ++i) {
      if (i == e_.chosen) continue;
      const DeviceFindings& d = e_.devices[i];
      paragraph(fmt::format("--device {}: {} reserved, {} allocated, {}{}", d.index, format_bytes(d.now.usage.reserved),
                            format_bytes(d.now.usage.allocated), entries(d.events),
                            d.ooms.empty() ? "" : ", ran out of memory"),
                2, 4);
    }
  }

  void warnings() {
    std::vector<std::string> all = e_.trace->warnings;
    for (const auto* list : {&e_.devices, &e_.host}) {
      for (const DeviceFindings& d : *list) {
        for (const std::string& warning : d.warnings) all.push_back(name(d) + ": " + warning);
      }
    }
    if (all.empty()) return;
    heading("Warnings");
    for (const std::string& warning : all) paragraph("- " + escape_text(warning), 2, 4);
  }

  void next_command() {
    if (e_.devices.empty()) return;
    const DeviceFindings& d = e_.devices[e_.chosen];
    const std::string file = e_.path == "-" ? "FILE" : escape_text(e_.path);
    out_ += '\n';
    const std::string_view flags = d.at_kind != analyze::Moment::kPeak && d.events > 1 ? "--at peak" : "--stacks";
    line("Next: unfrag explain {} {}", flags, file);
  }

  const Explanation& e_;
  const TextOptions& o_;
  const size_t width_;
  std::string out_;
};

}  // namespace

std::string explain_text(const Explanation& explanation, const TextOptions& options) {
  return Writer(explanation, options).run();
}

}  // namespace unfrag::report
