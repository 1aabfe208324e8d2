#include "report/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/places.h"

namespace unfrag::report {

std::string file_argument(const std::string& path) { return path == "-" ? std::string("FILE") : escape_text(path); }

std::string display_path(const std::string& path) {
  return path == "-" ? std::string("standard input") : escape_text(path);
}

std::string_view conf_variable(const trace::Dialect& dialect) {
  return dialect >= trace::Dialect{2, 12} ? "PYTORCH_ALLOC_CONF" : "PYTORCH_CUDA_ALLOC_CONF";
}

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:.,-";
  std::string word = escape_text(text);
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  for (size_t at = word.find('\''); at != std::string::npos; at = word.find('\'', at + 4)) {
    word.replace(at, 1, "'\\''");
  }
  return "'" + word + "'";
}

std::string settings_line(const trace::Dialect& dialect, const std::string& conf) {
  return fmt::format("{}={}", conf_variable(dialect), conf.empty() ? "" : shell_word(conf));
}

std::string settings_prose(const std::string& conf) {
  if (conf.empty()) return "the default settings";
  std::string prose;
  for (const char c : escape_text(conf)) {
    prose += c;
    if (c == ',') prose += ' ';
  }
  return prose;
}

std::string reading_options(const trace::Trace& trace, int device, const replay::ReadOptions& read) {
  std::string options;
  const replay::Card& card = read.card;
  if (card.memory) options += fmt::format(" --memory {}", card.memory->value());
  if (card.context) options += fmt::format(" --context {}", card.context->value());
  if (card.fraction) options += fmt::format(" --fraction {}", *card.fraction);
  if (read.version) options += fmt::format(" --torch {}.{}", read.version->major, read.version->minor);
  if (read.direction) options += read.direction == replay::Direction::kUp ? " --addresses up" : " --addresses down";
  const auto is_gpu = [](const trace::Device& one) { return one.kind == trace::DeviceKind::kGpu; };
  if (std::ranges::count_if(trace.devices, is_gpu) > 1) options += fmt::format(" --device {}", device);
  return options;
}

std::string Names::text(trace::StringIdx idx) const { return escape_text(e_.trace->strings[idx]); }

std::string Names::place(trace::StackIdx stack) const {
  const analyze::Culprit culprit = e_.user_code->culprit(stack);
  return place(culprit.frame, culprit.origin);
}

std::string Names::place(trace::FrameIdx idx, analyze::Origin origin) const {
  const bool by_function = e_.grouping == analyze::Grouping::kFunction;
  return place_text(*e_.trace, idx, origin, by_function ? PlaceDetail::kFunction : PlaceDetail::kLine);
}

std::string Names::holder(const analyze::Holder& holder) const {
  if (holder.outside) return "(blocks that contradict the segments)";
  switch (e_.grouping) {
    case analyze::Grouping::kStream: return fmt::format("stream {}", holder.stream);
    case analyze::Grouping::kSegment: return fmt::format("segment {:#x}", holder.segment);
    default: return place(holder.frame, holder.origin);
  }
}

std::string Names::device(const analyze::DeviceFindings& d) {
  return d.kind == trace::DeviceKind::kHost ? std::string("Pinned host memory") : fmt::format("Device {}", d.index);
}

std::string Names::pool(const analyze::PoolUse& use) {
  std::string kind = use.kind == trace::PoolKind::kSmall   ? "small"
                     : use.kind == trace::PoolKind::kLarge ? "large"
                                                           : "pool";
  if (use.stream != 0) kind += fmt::format(", stream {}", use.stream);
  if (!use.pool.is_default()) kind += fmt::format(", private pool ({}, {})", use.pool.first, use.pool.second);
  return kind;
}

std::string Names::moment(const analyze::DeviceFindings& d) {
  std::string after = d.at_entry == analyze::kBefore ? std::string("before the first entry")
                                                     : fmt::format("after entry {}", format_count(d.at_entry));
  switch (d.at_kind) {
    case analyze::Moment::kOom: return fmt::format("when memory ran out, {}", after);
    case analyze::Moment::kPeak:
      return d.at_entry == analyze::kNever ? std::string("at the time of the snapshot")
                                           : fmt::format("at the peak, {}", after);
    case analyze::Moment::kEvent: return after;
    default: return "at the time of the snapshot";
  }
}

}  // namespace unfrag::report
