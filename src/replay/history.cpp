#include "replay/history.h"

#include <tsl/robin_map.h>

#include "alloc/rounding.h"
#include "replay/setup.h"

namespace unfrag::replay {
namespace {

using trace::Action;

struct AddressHash {  // addresses are multiples of 512: spread them
  size_t operator()(uint64_t addr) const { return (addr >> 9) * 0x9E3779B97F4A7C15 >> 20; }
};
using OpenLives = tsl::robin_map<uint64_t, uint32_t, AddressHash>;

class Chronicler {
 public:
  Chronicler(const trace::Trace& trace, const trace::Device& device)
      : trace_(trace), device_(device), settings_(initial_settings(trace)) {}

  History run(bool from_nothing) {
    collect_entries();
    if (!from_nothing) find_initial_segments();
    segments_ = history_.initial_segments;
    find_segment_kinds();
    for (uint32_t i = 0; i < device_.event_count; ++i) {
      apply_changes(i);
      play(i);
    }
    if (!from_nothing) match_final_blocks();
    check_lives_from_before();
    finish();
    return std::move(history_);
  }

 private:
  [[nodiscard]] size_t row(uint32_t entry) const { return size_t{device_.first_event} + entry; }

  void collect_entries() {
    FreeEntries& frees = history_.free_entries;
    for (uint32_t i = 0; i < device_.event_count; ++i) {
      const Action action = trace_.events.action[row(i)];
      if (is_segment_action(action)) history_.segment_entries.push_back(i);
      if (action == Action::kOom) history_.oom_entries.push_back(i);
      frees.requested = frees.requested || action == Action::kFreeRequested;
      frees.completed = frees.completed || action == Action::kFreeCompleted;
    }
    history_.added_runs.resize(history_.segment_entries.size());
  }

  // The final segments are known: undo the entries from the last to the first.
  void find_initial_segments() {
    SegmentMap map = final_segments(trace_, device_);
    const auto& entries = history_.segment_entries;
    for (size_t i = entries.size(); i-- > 0;) {
      if (const Run* run = map.find(trace_.events.addr[row(entries[i])])) history_.added_runs[i] = *run;
      if (!play_backward(map, trace_, row(entries[i]))) contradict(entries[i]);
    }
    history_.initial_segments = std::move(map);
  }

  void apply_changes(uint32_t entry) {
    for (; next_change_ < trace_.changes.size(); ++next_change_) {
      const trace::Change& change = trace_.changes[next_change_];
      if (change.device != device_.index || change.memory_fraction) continue;
      if (change.entry > entry) return;
      settings_ = settings_after(change.conf, recorded_version(trace_), settings_);
    }
  }

  void find_segment_kinds() {
    for (const auto& [addr, run] : segments_.runs()) note_kind(run.expandable);
    for (const uint32_t entry : history_.segment_entries) {
      const Action action = trace_.events.action[row(entry)];
      note_kind(action == Action::kSegmentMap || action == Action::kSegmentUnmap);
    }
  }
  void note_kind(bool expandable) { (expandable ? any_expandable_ : any_plain_) = true; }

  void play(uint32_t entry) {
    uint32_t life = kNoLife;
    switch (trace_.events.action[row(entry)]) {
      case Action::kAlloc: life = play_alloc(entry); break;
      case Action::kFreeRequested: life = play_free_requested(entry); break;
      case Action::kFreeCompleted: life = play_free_completed(entry); break;
      case Action::kSegmentAlloc:
      case Action::kSegmentFree:
      case Action::kSegmentMap:
      case Action::kSegmentUnmap:
        if (!play_forward(segments_, trace_, row(entry), history_.added_runs[next_segment_entry_++])) contradict(entry);
        last_run_ = {};
        break;
      default: break;
    }
    history_.life_of_entry.push_back(life);
  }

  uint32_t play_alloc(uint32_t entry) {
    const uint64_t addr = trace_.events.addr[row(entry)];
    if (!find_run(addr)) contradict(entry);
    const uint32_t life = start_life(entry, kBefore);
    history_.lives[life].alloc = entry;
    history_.lives[life].stack = trace_.events.stack[row(entry)];
    const auto [open, is_new] = open_.try_emplace(addr, life);
    if (!is_new) {  // the address is in use: its free was not recorded
      end_unrecorded(entry, open->second);
      open.value() = life;
    }
    return life;
  }

  uint32_t start_life(uint32_t entry, uint32_t alloc) {
    const uint64_t requested = trace_.events.size[row(entry)];
    Life life;
    life.addr = trace_.events.addr[row(entry)];
    life.requested = requested;
    life.size = rounded(requested);
    life.alloc = alloc;
    life.size_exact = is_exact(life);
    history_.lives.push_back(life);
    return static_cast<uint32_t>(history_.lives.size() - 1);
  }

  [[nodiscard]] uint64_t rounded(uint64_t requested) const {
    if (device_.kind == trace::DeviceKind::kHost) return alloc::round_host_size(Bytes(requested)).value();
    return alloc::round_size(Bytes(requested), settings_.rounding).value();
  }

  // Of a plain large segment up to 1 MiB may stay with the block; everywhere else the remainder is split off.
  [[nodiscard]] bool is_exact(const Life& life) const {
    if (device_.kind == trace::DeviceKind::kHost || life.size <= alloc::kSmallMax.value()) return true;
    if (!any_plain_) return true;
    return any_expandable_ && segments_.find(life.addr) != nullptr && segments_.find(life.addr)->expandable;
  }

  /// Whether a segment holds `addr`. Neighbours are mostly in the same one, so the last is looked at first.
  bool find_run(uint64_t addr) {
    if (addr >= last_run_.addr && addr < last_run_.end()) return true;
    const Run* run = segments_.find(addr);
    if (run == nullptr) return false;
    last_run_ = *run;
    return true;
  }

  uint32_t play_free_requested(uint32_t entry) {
    const auto open = open_.find(trace_.events.addr[row(entry)]);
    if (open == open_.end()) {
      const uint32_t life = start_life(entry, kBefore);
      history_.lives[life].free_requested = entry;
      if (history_.free_entries.completed)
        open_.emplace(history_.lives[life].addr, life);
      else
        history_.lives[life].free_completed = entry;
      return life;
    }
    const uint32_t index = open->second;
    Life& life = history_.lives[index];
    if (life.free_requested != kNever) {
      contradict(entry);
      return kNoLife;
    }
    if (life.requested != trace_.events.size[row(entry)]) contradict(entry);
    life.free_requested = entry;
    if (!history_.free_entries.completed) {
      life.free_completed = entry;
      open_.erase(open);
    }
    return index;
  }

  uint32_t play_free_completed(uint32_t entry) {
    const auto open = open_.find(trace_.events.addr[row(entry)]);
    if (open == open_.end()) {  // it was pending, or in use if requests are not recorded, when the recording began
      const uint32_t life = start_life(entry, kBefore);
      history_.lives[life].free_requested = history_.free_entries.requested ? kBefore : entry;
      history_.lives[life].free_completed = entry;
      return life;
    }
    const uint32_t index = open->second;
    Life& life = history_.lives[index];
    if (life.free_requested == kNever) {
      life.free_requested = entry;
      if (history_.free_entries.requested) contradict(entry);
    }
    life.free_completed = entry;
    open_.erase(open);
    return index;
  }

  void end_unrecorded(uint32_t entry, uint32_t index) {
    Life& life = history_.lives[index];
    contradict(entry);
    if (life.free_requested == kNever) life.free_requested = entry;
    life.free_completed = entry;
    history_.lost_frees.emplace_back(entry, index);
  }

  // Blocks alive at the end tell their exact size, and those never mentioned were alive all along.
  void match_final_blocks() {
    for (uint32_t s = 0; s < device_.segment_count; ++s) {
      const trace::Segment& segment = trace_.segments[device_.first_segment + s];
      for (uint32_t b = 0; b < segment.block_count; ++b) match_final_block(segment, segment.first_block + b);
    }
    // What is left was handed out or freed while the snapshot was being taken.
    for (const auto& [addr, index] : open_) contradict(last_entry_of(history_.lives[index]));
  }

  void match_final_block(const trace::Segment& segment, uint32_t block) {
    const trace::BlockTable& blocks = trace_.blocks;
    if (blocks.state[block] == trace::BlockState::kInactive) return;
    const auto open = open_.find(blocks.addr[block]);
    if (open == open_.end()) {
      Life life;
      life.addr = blocks.addr[block];
      life.stack = blocks.stack[block];
      history_.lives.push_back(life);
      settle(history_.lives.back(), block);
      return;
    }
    Life& life = history_.lives[open->second];
    if (segment.has_recorded_requested && life.requested != blocks.requested[block]) contradict(life.alloc);
    settle(life, block);
    open_.erase(open);
  }

  void settle(Life& life, uint32_t block) const {
    life.size = trace_.blocks.size[block];
    life.requested = trace_.blocks.requested[block];
    life.size_exact = true;
    if (trace_.blocks.state[block] == trace::BlockState::kPendingFree && life.free_requested == kNever) {
      life.free_requested = life.alloc;
    }
    if (life.stack == trace::kEmptyStack) life.stack = trace_.blocks.stack[block];
  }

  static uint32_t last_entry_of(const Life& life) {
    return life.free_requested < kBefore ? life.free_requested : life.alloc;
  }

  // What was alive before the first entry had no other life at its address earlier, and lay in a segment of then.
  void check_lives_from_before() {
    tsl::robin_map<uint64_t, uint32_t, AddressHash> before;
    for (size_t i = 0; i < history_.lives.size(); ++i) {
      const Life& life = history_.lives[i];
      if (life.alloc != kBefore) continue;
      const bool second = !before.try_emplace(life.addr, static_cast<uint32_t>(i)).second;
      if (second || history_.initial_segments.find(life.addr) == nullptr) contradict(last_entry_of(life));
    }
    if (before.empty()) return;
    for (size_t i = 0; i < history_.lives.size(); ++i) {
      const Life& life = history_.lives[i];
      if (life.alloc == kBefore) continue;
      const auto old = before.find(life.addr);
      if (old != before.end() && life.alloc < history_.lives[old->second].free_completed) contradict(life.alloc);
    }
  }

  void finish() {
    bool from_before = !history_.initial_segments.empty();
    for (size_t i = 0; i < history_.lives.size(); ++i) {
      const Life& life = history_.lives[i];
      from_before = from_before || life.alloc == kBefore;
      history_.sizes_are_lower_bounds = history_.sizes_are_lower_bounds || !life.size_exact;
    }
    history_.complete = !from_before && history_.contradictions == 0 && !trace_.settings.overflowed;
  }

  void contradict(uint32_t entry) {
    ++history_.contradictions;
    if (history_.first_contradiction == kNever || entry < history_.first_contradiction) {
      history_.first_contradiction = entry;
    }
  }

  const trace::Trace& trace_;
  const trace::Device& device_;
  alloc::Settings settings_;
  size_t next_change_ = 0;
  History history_;
  SegmentMap segments_;
  OpenLives open_;
  size_t next_segment_entry_ = 0;
  Run last_run_;  // of find_run; empty after entries about segments
  bool any_expandable_ = false;
  bool any_plain_ = false;
};

}  // namespace

History build_history(const trace::Trace& trace, const trace::Device& device) {
  History history = Chronicler(trace, device).run(/*from_nothing=*/false);
  if (!trace.truncated || history.contradictions == 0) return history;
  // The end of the trace is missing, so the final segments do not tell how it began. A trace of the whole process
  // tells by itself.
  History from_start = Chronicler(trace, device).run(/*from_nothing=*/true);
  return from_start.complete ? std::move(from_start) : std::move(history);
}

}  // namespace unfrag::replay
