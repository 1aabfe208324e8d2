#include "analyze/usage.h"

#include <algorithm>

namespace unfrag::analyze {
namespace {

using trace::Action;

Usage usage_at_start(const History& history) {
  Usage usage;
  for (size_t i = 0; i < history.lives.size(); ++i) {
    const Life& life = history.lives[i];
    if (life.alloc != kBefore) continue;
    if (life.free_requested != kBefore) usage.allocated += Bytes(life.size);
    usage.active += Bytes(life.size);
    usage.requested += Bytes(life.requested);
  }
  for (const auto& [addr, run] : history.initial_segments.runs()) usage.reserved += Bytes(run.size);
  return usage;
}

void give_back(Usage& usage, const Life& life, uint32_t entry) {
  if (life.free_requested == entry) usage.allocated -= Bytes(life.size);
  if (life.free_completed == entry) {
    usage.active -= Bytes(life.size);
    usage.requested -= Bytes(life.requested);
  }
}

void raise(Peak& peak, Bytes bytes, uint32_t entry) {
  if (bytes > peak.bytes) peak = {bytes, entry};
}

void raise(Usage& highest, const Usage& usage) {
  highest.allocated = std::max(highest.allocated, usage.allocated);
  highest.active = std::max(highest.active, usage.active);
  highest.requested = std::max(highest.requested, usage.requested);
  highest.reserved = std::max(highest.reserved, usage.reserved);
}

class Meter {
 public:
  Meter(const trace::Trace& trace, const trace::Device& device, const History& history, size_t points)
      : trace_(trace),
        device_(device),
        history_(history),
        stretch_(std::max<uint64_t>(1, (uint64_t{device.event_count} + points - 1) / std::max<size_t>(points, 1))) {}

  UsageCurves run() {
    usage_ = usage_at_start(history_);
    curves_.at_start = usage_;
    note_peaks(kBefore);
    for (uint32_t entry = 0; entry < device_.event_count; ++entry) {
      play(entry);
      note_peaks(entry);
      if (entry % stretch_ == 0) curves_.timeline.push_back({entry, usage_});
      raise(curves_.timeline.back().highest, usage_);
      curves_.timeline.back().last_entry = entry;
      if (usage_.active > usage_.reserved && curves_.beyond_reserved == kNever) curves_.beyond_reserved = entry;
    }
    curves_.at_end = usage_;
    return std::move(curves_);
  }

 private:
  void play(uint32_t entry) {
    for (; lost_ < history_.lost_frees.size() && history_.lost_frees[lost_].first == entry; ++lost_) {
      give_back(usage_, history_.lives[history_.lost_frees[lost_].second], entry);
    }
    const size_t row = size_t{device_.first_event} + entry;
    const uint32_t index = history_.life_of_entry[entry];
    switch (trace_.events.action[row]) {
      case Action::kAlloc: {
        const Life& life = history_.lives[index];
        usage_.allocated += Bytes(life.size);
        usage_.active += Bytes(life.size);
        usage_.requested += Bytes(life.requested);
        break;
      }
      case Action::kFreeRequested:
      case Action::kFreeCompleted:
        if (index != kNoLife) give_back(usage_, history_.lives[index], entry);
        break;
      case Action::kSegmentAlloc:
      case Action::kSegmentMap: usage_.reserved += Bytes(trace_.events.size[row]); break;
      case Action::kSegmentFree:
      case Action::kSegmentUnmap:
        usage_.reserved = minus_or_zero(usage_.reserved, Bytes(trace_.events.size[row]));
        break;
      default: break;
    }
  }

  void note_peaks(uint32_t entry) {
    raise(curves_.allocated, usage_.allocated, entry);
    raise(curves_.active, usage_.active, entry);
    raise(curves_.requested, usage_.requested, entry);
    raise(curves_.reserved, usage_.reserved, entry);
  }

  const trace::Trace& trace_;
  const trace::Device& device_;
  const History& history_;
  const uint64_t stretch_;
  size_t lost_ = 0;
  Usage usage_;
  UsageCurves curves_;
};

}  // namespace

UsageCurves measure_usage(const trace::Trace& trace, const trace::Device& device, const History& history,
                          size_t points) {
  return Meter(trace, device, history, points).run();
}

}  // namespace unfrag::analyze
