#include "trace/difference.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace unfrag::trace {
namespace {

class Comparison {
 public:
  Comparison(const Trace& a, const Trace& b) : a_(a), b_(b) {}

  /// The first difference in words; empty where there is none.
  [[nodiscard]] std::string difference() {
    compare_devices();
    for (size_t i = 0; i < std::min(a_.events.size_rows(), b_.events.size_rows()) && found_.empty(); ++i) event(i);
    for (size_t i = 0; i < std::min(a_.segments.size(), b_.segments.size()) && found_.empty(); ++i) segment(i);
    same("blocks", a_.blocks.size_rows(), b_.blocks.size_rows());
    for (size_t i = 0; i < std::min(a_.blocks.size_rows(), b_.blocks.size_rows()) && found_.empty(); ++i) block(i);
    compare_annotations();
    compare_settings();
    same("dialect", a_.dialect, b_.dialect);
    return found_;
  }

 private:
  static std::string shown(std::string_view value) { return std::string("'").append(value).append("'"); }
  static std::string shown(Dialect value) { return std::to_string(value.major * 100 + value.minor); }
  static std::string shown(PoolId value) {
    return std::to_string(value.first).append(", ").append(std::to_string(value.second));
  }
  static std::string shown(Bytes value) { return std::to_string(value.value()); }
  static std::string shown(Address value) { return std::to_string(value.value()); }
  template <class T>
  static std::string shown(T value) {
    return std::to_string(static_cast<long long>(value));
  }

  static std::string place(std::string_view what, size_t i) {
    return std::string(what).append(" ").append(std::to_string(i)).append(": ");
  }

  template <class T>
  void same(std::string_view what, const T& a, const T& b) {
    if (!found_.empty() || a == b) return;
    found_.append(where_).append(what).append(": ").append(shown(a)).append(", not ").append(shown(b));
  }
  void same_text(std::string_view what, StringIdx a, StringIdx b) { same(what, a_.strings[a], b_.strings[b]); }
  void same_stack(std::string_view what, StackIdx a, StackIdx b) {
    if (!known_stacks_.emplace(a, b).second && known_stacks_[a] == b) return;
    known_stacks_[a] = b;
    same(what, std::string_view(text_of(a_, a)), std::string_view(text_of(b_, b)));
  }
  static std::string text_of(const Trace& trace, StackIdx stack) {
    std::string text;
    for (const FrameIdx index : trace.stacks[stack]) {
      const Frame& frame = trace.frames[index];
      text.append(trace.strings[frame.filename]).append(":").append(std::to_string(frame.line)).append(" ");
      text.append(trace.strings[frame.name]).append(" ").append(trace.strings[frame.extra]).append("\n");
    }
    return text;
  }

  void compare_devices() {
    same("devices", a_.devices.size(), b_.devices.size());
    same("segments", a_.segments.size(), b_.segments.size());
    for (size_t i = 0; i < std::min(a_.devices.size(), b_.devices.size()); ++i) {
      const Device& x = a_.devices[i];
      const Device& y = b_.devices[i];
      where_ = place("device", i);
      same("kind", x.kind, y.kind);
      same("index", x.index, y.index);
      same("entries", x.event_count, y.event_count);
      same("segments", x.segment_count, y.segment_count);
    }
    where_.clear();
  }

  void event(size_t i) {
    where_ = place("entry", i);
    const EventContext& x = a_.context_of(i);
    const EventContext& y = b_.context_of(i);
    same("action", action_name(a_.events.action[i]), action_name(b_.events.action[i]));
    same("address", a_.events.addr[i], b_.events.addr[i]);
    same("size", a_.events.size[i], b_.events.size[i]);
    same("stream", x.stream, y.stream);
    same("time", a_.time_of(i), b_.time_of(i));
    same_stack("stack", a_.events.stack[i], b_.events.stack[i]);
    same("has a pool", x.has_pool, y.has_pool);
    same("pool", x.pool, y.pool);
    same_text("compile context", x.compile_context, y.compile_context);
    same_text("user metadata", x.user_metadata, y.user_metadata);
    same_text("internal metadata", x.internal_metadata, y.internal_metadata);
    same_text("category", x.category, y.category);
    same_stack("forward stack", x.forward_stack, y.forward_stack);
    where_.clear();
  }

  void segment(size_t i) {
    where_ = place("segment", i);
    const Segment& x = a_.segments[i];
    const Segment& y = b_.segments[i];
    same("address", x.addr, y.addr);
    same("size", x.total, y.total);
    same("has sums", x.has_recorded_sums, y.has_recorded_sums);
    same("has requested", x.has_recorded_requested, y.has_recorded_requested);
    same("allocated", x.recorded_allocated, y.recorded_allocated);
    same("active", x.recorded_active, y.recorded_active);
    same("requested", x.recorded_requested, y.recorded_requested);
    same("stream", x.stream, y.stream);
    same("kind", x.kind, y.kind);
    same("pool", x.pool, y.pool);
    same("expandable", x.expandable, y.expandable);
    same_stack("stack", x.stack, y.stack);
    same("blocks", x.block_count, y.block_count);
    where_.clear();
  }

  void block(size_t i) {
    where_ = place("block", i);
    same("address", a_.blocks.addr[i], b_.blocks.addr[i]);
    same("size", a_.blocks.size[i], b_.blocks.size[i]);
    same("state", a_.blocks.state[i], b_.blocks.state[i]);
    same("requested", a_.blocks.requested[i], b_.blocks.requested[i]);
    same_stack("stack", a_.blocks.stack[i], b_.blocks.stack[i]);
    same_stack("forward stack", a_.blocks.forward_stack[i], b_.blocks.forward_stack[i]);
    same_text("user metadata", a_.blocks.user_metadata[i], b_.blocks.user_metadata[i]);
    where_.clear();
  }

  void compare_annotations() {
    same("annotations", a_.annotations.size(), b_.annotations.size());
    for (size_t i = 0; i < std::min(a_.annotations.size(), b_.annotations.size()); ++i) {
      const Annotation& x = a_.annotations[i];
      const Annotation& y = b_.annotations[i];
      where_ = place("annotation", i);
      same_text("name", x.name, y.name);
      same("stage", x.stage, y.stage);
      same("device", x.device, y.device);
      same("time", x.time_us, y.time_us);
    }
    where_.clear();
  }

  void compare_settings() {
    const Settings& x = a_.settings;
    const Settings& y = b_.settings;
    same("settings", x.all.size(), y.all.size());
    for (size_t i = 0; i < std::min(x.all.size(), y.all.size()); ++i) {
      same("setting", std::string_view(x.all[i].first), std::string_view(y.all[i].first));
      same(x.all[i].first, std::string_view(x.all[i].second), std::string_view(y.all[i].second));
    }
    same("conf", std::string_view(x.conf.value_or("none")), std::string_view(y.conf.value_or("none")));
    same("max_split_size", x.max_split_size.value_or(Bytes()), y.max_split_size.value_or(Bytes()));
    same("divisions", x.roundup_power2_divisions == y.roundup_power2_divisions, true);
    same("expandable_segments", x.expandable_segments == y.expandable_segments, true);
    same("threshold", x.garbage_collection_threshold == y.garbage_collection_threshold, true);
    same("overflowed", x.overflowed, y.overflowed);
  }

  const Trace& a_;
  const Trace& b_;
  std::map<StackIdx, StackIdx> known_stacks_;
  std::string where_;
  std::string found_;
};

}  // namespace

std::string difference(const Trace& a, const Trace& b) { return Comparison(a, b).difference(); }

}  // namespace unfrag::trace
