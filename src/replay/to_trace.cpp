#include "replay/to_trace.h"

#include <unordered_map>
#include <utility>

#include "replay/entry_sources.h"
#include "replay/final_state.h"
#include "replay/settings_in_force.h"
#include "trace/builder.h"
#include "trace/part_copier.h"

namespace unfrag::replay {
namespace {

using trace::Action;

/// A device without a known size has this much free and more: no number to write down.
constexpr uint64_t kMoreThanAnyDevice = uint64_t{1} << 48;

class Converter {
 public:
  Converter(const trace::Trace& recorded, const trace::Device& device, const Program& program, const Runner& runner,
            const Log& log)
      : recorded_(recorded),
        device_(device),
        program_(program),
        runner_(runner),
        log_(log),
        parts_(recorded, builder_),
        sources_(recorded, device, program) {}

  trace::Trace run() {
    add_entries();
    add_final_state(recorded_, device_, program_, runner_, parts_, builder_);
    add_annotations();
    trace::Trace& trace = builder_.trace;
    trace.settings = settings_in_force(recorded_, runner_.policy().config().settings);
    if (trace.settings.conf_at_start) trace.changes = recorded_.changes;
    trace.dialect = recorded_.dialect;
    trace.truncated = recorded_.truncated;
    trace.warnings = recorded_.warnings;
    trace.devices.push_back({.kind = device_.kind,
                             .index = device_.index,
                             .event_count = static_cast<uint32_t>(trace.events.size_rows()),
                             .segment_count = static_cast<uint32_t>(trace.segments.size())});
    return std::move(trace);
  }

 private:
  [[nodiscard]] size_t row(uint32_t entry) const { return size_t{device_.first_event} + entry; }
  [[nodiscard]] Action action(uint32_t entry) const { return recorded_.events.action[row(entry)]; }

  void add_entries() {
    for (uint32_t i = 0; i < device_.event_count; ++i) has_notes_ = has_notes_ || action(i) == Action::kAnnotate;
    for (const LogEntry& entry : log_.entries) {
      const EntrySources::Source source = sources_.find(entry);
      keep_until(source.when);
      add(entry, source);
      if (has_notes_ && entry.action == Action::kAlloc) addr_of_[recorded_.events.addr[row(entry.origin)]] = entry.addr;
    }
    keep_until(device_.event_count);
  }

  void add(const LogEntry& entry, const EntrySources::Source& source) {
    const size_t from = row(source.entry);
    trace::EventFields event{.action = entry.action,
                             .addr = entry.addr,
                             .size = entry.size,
                             .time_us = recorded_.time_of(row(source.when)),
                             .stack = parts_.stack(recorded_.events.stack[from]),
                             .context = parts_.context(recorded_.context_of(from))};
    event.context.stream = entry.stream;
    if (event.context.has_pool) event.context.pool = program_.pools[entry.pool.value()];
    if (entry.action == Action::kOom && entry.addr >= kMoreThanAnyDevice) {
      const bool same_failure = action(source.entry) == Action::kOom;
      event.addr = same_failure ? recorded_.events.addr[from] : trace::kNoDeviceFree;
    }
    builder_.add_event(event);
  }

  // The entries before `end` that no replay produces.
  void keep_until(uint32_t end) {
    for (; kept_ < end; ++kept_) {
      if (action(kept_) < Action::kSnapshot) continue;
      const size_t from = row(kept_);
      uint64_t addr = recorded_.events.addr[from];
      if (action(kept_) == Action::kAnnotate) {
        if (const auto moved = addr_of_.find(addr); moved != addr_of_.end()) addr = moved->second;
      }
      builder_.add_event({.action = action(kept_),
                          .addr = addr,
                          .size = recorded_.events.size[from],
                          .time_us = recorded_.time_of(from),
                          .stack = parts_.stack(recorded_.events.stack[from]),
                          .context = parts_.context(recorded_.context_of(from))});
    }
  }

  void add_annotations() {
    for (trace::Annotation annotation : recorded_.annotations) {
      if (annotation.device != device_.index) continue;
      annotation.name = parts_.text(annotation.name);
      builder_.trace.annotations.push_back(annotation);
    }
  }

  const trace::Trace& recorded_;
  const trace::Device& device_;
  const Program& program_;
  const Runner& runner_;
  const Log& log_;
  trace::Builder builder_;
  trace::PartCopier parts_;
  EntrySources sources_;
  uint32_t kept_ = 0;  // entries of the recording that were looked at for keeping
  bool has_notes_ = false;
  std::unordered_map<uint64_t, uint64_t>
      addr_of_;  // of the latest block at a recorded address; only where there are notes
};

}  // namespace

trace::Trace to_trace(const trace::Trace& recorded, const trace::Device& device, const Program& program,
                      const Runner& runner, const Log& log) {
  return Converter(recorded, device, program, runner, log).run();
}

}  // namespace unfrag::replay
