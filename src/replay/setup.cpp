#include "replay/setup.h"

#include <algorithm>
#include <bit>

namespace unfrag::replay {
namespace {

using trace::Action;

bool is_gain(Action action) { return action == Action::kSegmentAlloc || action == Action::kSegmentMap; }

bool is_loss(Action action) { return action == Action::kSegmentFree || action == Action::kSegmentUnmap; }

/// What the driver or a limit left the process, told by the requests that failed or had to give memory back.
class LimitFinder {
 public:
  LimitFinder(const trace::Trace& trace, const trace::Device& device, const History& history,
              const alloc::Settings& settings)
      : trace_(trace), device_(device), history_(history), settings_(settings) {
    for (const auto& [addr, run] : history.initial_segments.runs()) reserved_ += run.size;
    most_ = reserved_;
  }

  Limits find() {
    const auto failure = std::ranges::find_if(
        history_.oom_entries, [&](uint32_t i) { return trace_.events.addr[row(i)] != trace::kNoDeviceFree; });
    const uint32_t end = failure == history_.oom_entries.end() ? kNever : *failure;
    for (const uint32_t i : history_.segment_entries) {
      if (i > end) break;
      note_release(i);
      play(i);
    }
    if (end != kNever) return of_failure(end);
    // Too little for what had to give memory back first, enough for the most there ever was.
    Limits limits;
    if (refused_ > most_) limits.capacity = Bytes(std::max(most_, refused_ - alloc::kSmallSegment.value()));
    return limits;
  }

  Bytes most_reserved() {
    for (const uint32_t i : history_.segment_entries) play(i);
    return Bytes(most_);
  }

 private:
  [[nodiscard]] size_t row(uint32_t i) const { return size_t{device_.first_event} + i; }
  [[nodiscard]] Action action(uint32_t i) const { return trace_.events.action[row(i)]; }

  void play(uint32_t i) {
    if (is_gain(action(i))) reserved_ += trace_.events.size[row(i)];
    if (is_loss(action(i))) reserved_ -= trace_.events.size[row(i)];
    most_ = std::max(most_, reserved_);
  }

  Limits of_failure(uint32_t i) const {
    const uint64_t device_free = trace_.events.addr[row(i)];
    const Bytes wanted = alloc::segment_size(Bytes(trace_.events.size[row(i)]), settings_.large_segment_size);
    Limits limits;
    if (device_free < wanted.value()) {
      limits.capacity = Bytes(reserved_ + device_free);
    } else {
      limits.limit = Bytes(most_);
    }
    return limits;
  }

  // Memory given back and obtained under one stack: the driver had refused the request before. The garbage collector
  // looks the same.
  void note_release(uint32_t i) {
    if (is_loss(action(i))) {
      if (i == 0 || !is_loss(action(i - 1))) reserved_before_ = reserved_;
      return;
    }
    if (i == 0 || !is_gain(action(i)) || !is_loss(action(i - 1)) || settings_.garbage_collection_threshold > 0) return;
    const trace::StackIdx stack = trace_.events.stack[row(i)];
    if (stack == trace::kEmptyStack || stack != trace_.events.stack[row(i - 1)]) return;
    const uint64_t refused = reserved_before_ + trace_.events.size[row(i)] - unmapped_within(i);
    refused_ = refused_ == 0 ? refused : std::min(refused_, refused);
  }

  // What lay in the pages that entry `i` maps before the burst of releases: the first try did not ask for it.
  [[nodiscard]] uint64_t unmapped_within(uint32_t i) const {
    uint64_t bytes = 0;
    const uint64_t begin = trace_.events.addr[row(i)];
    uint32_t other = i;
    while (other > 0 && is_loss(action(other - 1))) {
      --other;
      const bool within = trace_.events.addr[row(other)] - begin < trace_.events.size[row(i)];
      if (action(other) == Action::kSegmentUnmap && within) bytes += trace_.events.size[row(other)];
    }
    return std::min(bytes, trace_.events.size[row(i)]);
  }

  const trace::Trace& trace_;
  const trace::Device& device_;
  const History& history_;
  const alloc::Settings settings_;
  uint64_t reserved_ = 0;
  uint64_t most_ = 0;
  uint64_t reserved_before_ = 0;  // the burst of releases that is under way
  uint64_t refused_ = 0;          // the least that was too much; 0: nothing was
};

}  // namespace

alloc::Version recorded_version(const trace::Trace& trace) {
  if (!trace.dialect.known()) return alloc::kNewest;
  return {.major = trace.dialect.major, .minor = trace.dialect.minor};
}

// PyTorch took the text: what a release has that ours has not, a newer one may have.
alloc::Settings settings_after(const std::string& conf, alloc::Version version, const alloc::Settings& before) {
  auto parsed = alloc::parse_settings(conf, version, before);
  if (!parsed) parsed = alloc::parse_settings(conf, alloc::kNewest, before);
  return parsed ? *parsed : before;
}

alloc::Settings initial_settings(const trace::Trace& trace) {
  if (!trace.settings.conf_at_start) return recorded_settings(trace);
  return settings_after(*trace.settings.conf_at_start, recorded_version(trace), {});
}

alloc::Settings recorded_settings(const trace::Trace& trace) {
  alloc::Settings settings;
  if (trace.settings.conf_at_start) {
    settings = initial_settings(trace);
    for (const trace::Change& change : trace.changes) {
      if (change.memory_fraction || change.device != trace.changes.front().device) continue;
      settings = settings_after(change.conf, recorded_version(trace), settings);
    }
    return settings;
  }
  // The file's values win below, so whether a release has the key matters to nobody here.
  if (trace.settings.conf) {
    if (const auto parsed = alloc::parse_settings(*trace.settings.conf, alloc::kNewest)) settings = *parsed;
  }
  if (trace.settings.expandable_segments) settings.expandable_segments = *trace.settings.expandable_segments;
  if (trace.settings.recorded()) {
    settings.max_split_size = trace.settings.max_split_size.value_or(alloc::kUnlimited);
    // PyTorch takes powers of two and 0 only.
    for (size_t slot = 0; slot < settings.rounding.divisions.size(); ++slot) {
      const uint32_t divisions = trace.settings.roundup_power2_divisions[slot];
      settings.rounding.divisions[slot] = std::has_single_bit(divisions) ? divisions : 0;
    }
  }
  // PyTorch takes no other: what a file says beyond is made up.
  const double threshold = trace.settings.garbage_collection_threshold.value_or(0);
  if (threshold > 0 && threshold < 1) settings.garbage_collection_threshold = threshold;
  return settings;
}

Limits limits_of(const Card& card, const alloc::Settings& settings, const alloc::Rules& rules) {
  Limits limits;
  limits.total = card.memory;
  limits.capacity = minus_or_zero(*card.memory, card.context.value_or(Bytes()));
  const auto fraction = card.fraction ? card.fraction : settings.memory_fraction;
  if (fraction) limits.limit = alloc::limit_of_fraction(*fraction, *card.memory, rules);
  return limits;
}

Limits find_limits(const trace::Trace& trace, const trace::Device& device, const History& history,
                   const alloc::Settings& settings) {
  return LimitFinder(trace, device, history, settings).find();
}

Bytes recorded_reserved_peak(const trace::Trace& trace, const trace::Device& device, const History& history) {
  return LimitFinder(trace, device, history, {}).most_reserved();
}

Direction recorded_direction(const trace::Trace& trace, const trace::Device& device, const History& history) {
  uint64_t before = 0;
  int64_t balance = 0;
  for (const uint32_t i : history.segment_entries) {
    const size_t row = size_t{device.first_event} + i;
    // Pages within one reservation always ascend: only leaps between segments tell.
    if (trace.events.action[row] != Action::kSegmentAlloc) continue;
    const uint64_t addr = trace.events.addr[row];
    if (before != 0) balance += addr > before ? 1 : -1;
    before = addr;
  }
  return balance > 0 ? Direction::kUp : Direction::kDown;
}

}  // namespace unfrag::replay
