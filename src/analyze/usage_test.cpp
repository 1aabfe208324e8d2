#include "analyze/usage.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "alloc/rounding.h"
#include "analyze/state.h"
#include "trace/builder.h"

namespace unfrag::analyze {
namespace {

using trace::Action;
using trace::BlockState;

constexpr uint64_t kBase = 0x7000'0000'0000;
constexpr uint64_t kPage = 2 << 20;
constexpr uint64_t kPages = 8;
constexpr uint64_t kMinBlock = 512;

/// Which actions a recording leaves out (skip_actions of _record_memory_history).
enum class Skips { kNothing, kRequests, kCompletions };

std::string text_of(const Usage& usage) {
  return fmt::format("allocated {} active {} requested {} reserved {}", usage.allocated.value(), usage.active.value(),
                     usage.requested.value(), usage.reserved.value());
}

/// A random program on a small pool that keeps its own accounts, the plainest way there is.
class Program {
 public:
  Program(uint32_t seed, bool expandable, Skips skips) : random_(seed), expandable_(expandable), skips_(skips) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      switch (below(10)) {
        case 0: obtain(); break;
        case 1: give_back_page(); break;
        case 2:
        case 3:
        case 4: request_free(); break;
        case 5:
        case 6: complete_free(); break;
        default: allocate(); break;
      }
    }
    // A recording without one kind of entry cannot tell when the blocks that still wait were given back.
    if (skips_ != Skips::kNothing) {
      while (complete_free()) {
      }
    }
  }

  /// The recording from entry `from` on.
  void record(size_t from, trace::Trace& out, trace::Device& device, std::vector<Usage>& moments) {
    trace::Builder builder;
    for (size_t i = from; i < entries_.size(); ++i) {
      trace::EventFields event;
      event.action = entries_[i].action;
      event.addr = entries_[i].addr;
      event.size = entries_[i].size;
      builder.add_event(event);
      moments.push_back(entries_[i].after);
    }
    device.event_count = static_cast<uint32_t>(entries_.size() - from);
    add_final_state(builder, device);
    start_ = from == 0 ? Usage() : entries_[from - 1].after;
    out = std::move(builder.trace);
  }
  [[nodiscard]] const Usage& start() const { return start_; }
  [[nodiscard]] size_t entries() const { return entries_.size(); }

 private:
  struct Block {
    uint64_t size = 0;
    uint64_t requested = 0;
    bool pending = false;
  };
  struct Entry {
    Action action;
    uint64_t addr;
    uint64_t size;
    Usage after;
  };

  uint64_t below(uint64_t limit) { return random_() / 7 % limit; }

  void note(Action action, uint64_t addr, uint64_t size) {
    const bool skipped = (action == Action::kFreeRequested && skips_ == Skips::kRequests) ||
                         (action == Action::kFreeCompleted && skips_ == Skips::kCompletions);
    if (!skipped) entries_.push_back({action, addr, size, {}});
    if (!entries_.empty()) entries_.back().after = count();
  }

  // What the recording can show: a free happens with the entry that is recorded.
  [[nodiscard]] Usage count() const {
    Usage usage;
    usage.reserved = Bytes(pages_.size() * kPage);
    for (const auto& [addr, block] : blocks_) {
      if (block.pending && skips_ == Skips::kCompletions) continue;
      usage.active += Bytes(block.size);
      usage.requested += Bytes(block.requested);
      if (!block.pending || skips_ == Skips::kRequests) usage.allocated += Bytes(block.size);
    }
    return usage;
  }

  void obtain() {
    const uint64_t page = kBase + below(kPages) * kPage;
    if (pages_.contains(page)) return;
    pages_[page] = true;
    note(expandable_ ? Action::kSegmentMap : Action::kSegmentAlloc, page, kPage);
  }

  void give_back_page() {
    if (pages_.empty()) return;
    const uint64_t page = std::next(pages_.begin(), static_cast<ptrdiff_t>(below(pages_.size())))->first;
    const auto next = blocks_.lower_bound(page);
    if (next != blocks_.end() && next->first < page + kPage) return;
    if (next != blocks_.begin() && std::prev(next)->first + std::prev(next)->second.size > page) return;
    pages_.erase(page);
    note(expandable_ ? Action::kSegmentUnmap : Action::kSegmentFree, page, kPage);
  }

  void allocate() {
    const uint64_t requested = 1 + below(1 << 20);
    const uint64_t size = (requested + kMinBlock - 1) / kMinBlock * kMinBlock;
    // The n-th place where it fits; pages that touch are one only if they are expandable.
    std::vector<uint64_t> places;
    for (const auto& [begin, end] : runs()) {
      uint64_t reached = begin;
      for (auto it = blocks_.lower_bound(begin); it != blocks_.end() && it->first < end; ++it) {
        if (it->first - reached >= size) places.push_back(reached);
        reached = it->first + it->second.size;
      }
      if (end - reached >= size) places.push_back(reached);
    }
    if (places.empty()) return;
    const uint64_t addr = places[below(places.size())];
    blocks_[addr] = {size, requested, false};
    note(Action::kAlloc, addr, requested);
  }

  std::map<uint64_t, Block>::iterator some_block(bool pending) {
    std::vector<std::map<uint64_t, Block>::iterator> found;
    for (auto it = blocks_.begin(); it != blocks_.end(); ++it) {
      if (it->second.pending == pending) found.push_back(it);
    }
    return found.empty() ? blocks_.end() : found[below(found.size())];
  }
  void request_free() {
    const auto it = some_block(false);
    if (it == blocks_.end()) return;
    it->second.pending = true;
    note(Action::kFreeRequested, it->first, it->second.requested);
    if (below(3) > 0 || skips_ == Skips::kCompletions) complete(it);
  }
  bool complete_free() {
    const auto it = some_block(true);
    if (it == blocks_.end()) return false;
    complete(it);
    return true;
  }
  void complete(std::map<uint64_t, Block>::iterator it) {
    const auto [addr, block] = *it;
    blocks_.erase(it);
    note(Action::kFreeCompleted, addr, block.requested);
  }

  [[nodiscard]] std::vector<std::pair<uint64_t, uint64_t>> runs() const {
    std::vector<std::pair<uint64_t, uint64_t>> runs;
    for (const auto& [page, there] : pages_) {
      if (expandable_ && !runs.empty() && runs.back().second == page)
        runs.back().second += kPage;
      else
        runs.emplace_back(page, page + kPage);
    }
    return runs;
  }

  void add_final_state(trace::Builder& builder, trace::Device& device) const {
    for (const auto& [begin, end] : runs()) {
      trace::Segment& segment = builder.trace.segments.emplace_back();
      segment.addr = Address(begin);
      segment.total = Bytes(end - begin);
      segment.kind = trace::PoolKind::kSmall;
      segment.expandable = expandable_;
      segment.first_block = static_cast<uint32_t>(builder.trace.blocks.size_rows());
      uint64_t reached = begin;
      const auto fill = [&](uint64_t until) {
        if (until > reached) builder.add_block({.addr = reached, .size = until - reached, .requested = 0});
      };
      for (auto it = blocks_.lower_bound(begin); it != blocks_.end() && it->first < end; ++it) {
        fill(it->first);
        const Block& block = it->second;
        builder.add_block({.addr = it->first,
                           .size = block.size,
                           .requested = block.requested,
                           .state = block.pending ? BlockState::kPendingFree : BlockState::kAllocated});
        reached = it->first + block.size;
      }
      fill(end);
      segment.block_count = static_cast<uint32_t>(builder.trace.blocks.size_rows()) - segment.first_block;
    }
    device.segment_count = static_cast<uint32_t>(builder.trace.segments.size());
  }

  std::minstd_rand random_;
  bool expandable_;
  Skips skips_;
  std::map<uint64_t, bool> pages_;
  std::map<uint64_t, Block> blocks_;
  std::vector<Entry> entries_;
  Usage start_;
};

/// The highest value and the first moment that has it, looked up one by one.
Peak find_peak(const Usage& start, const std::vector<Usage>& moments, Bytes Usage::* member) {
  Peak peak{start.*member, kBefore};
  for (uint32_t i = 0; i < moments.size(); ++i) {
    if (moments[i].*member > peak.bytes) peak = {moments[i].*member, i};
  }
  return peak;
}

void expect_peak(const Peak& peak, const Peak& expected, const char* curve) {
  EXPECT_EQ(peak.bytes, expected.bytes) << curve;
  EXPECT_EQ(peak.entry, expected.entry) << curve;
}

void expect_timeline(const UsageCurves& curves, const std::vector<Usage>& moments, size_t points) {
  EXPECT_LE(curves.timeline.size(), points);
  uint32_t first = 0;
  for (const TimelinePoint& point : curves.timeline) {
    ASSERT_GE(point.last_entry, first);
    Usage highest;
    for (uint32_t i = first; i <= point.last_entry; ++i) {
      highest.allocated = std::max(highest.allocated, moments[i].allocated);
      highest.active = std::max(highest.active, moments[i].active);
      highest.requested = std::max(highest.requested, moments[i].requested);
      highest.reserved = std::max(highest.reserved, moments[i].reserved);
    }
    EXPECT_EQ(text_of(point.highest), text_of(highest)) << first << " to " << point.last_entry;
    first = point.last_entry + 1;
  }
  EXPECT_EQ(first, moments.size());
}

/// The same sums from the state of one moment.
Usage count(const MemoryState& state) {
  Usage usage;
  for (const PlacedSegment& segment : state.segments) usage.reserved += Bytes(segment.run.size);
  for (const PlacedBlock& block : state.blocks) {
    usage.active += Bytes(block.size);
    usage.requested += Bytes(block.requested);
    if (!block.pending) usage.allocated += Bytes(block.size);
  }
  EXPECT_EQ(state.blocks_outside, 0U);
  return usage;
}

void check_random_program(uint32_t seed, bool expandable, Skips skips, bool mid_way) {
  SCOPED_TRACE(fmt::format("seed {}, {}, skips {}, {}", seed, expandable ? "expandable" : "plain",
                           static_cast<int>(skips), mid_way ? "mid-way" : "from the start"));
  Program program(seed, expandable, skips);
  program.run(200);
  trace::Trace trace;
  trace::Device device;
  std::vector<Usage> moments;
  program.record(mid_way ? program.entries() / 3 : 0, trace, device, moments);

  const History history = build_history(trace, device);
  EXPECT_EQ(history.contradictions, 0U) << "first at entry " << history.first_contradiction;
  EXPECT_EQ(history.complete, program.start().reserved == 0_B) << "a recording that begins with nothing is whole";
  const size_t points = 1 + seed % 40;
  const UsageCurves curves = measure_usage(trace, device, history, points);
  ASSERT_EQ(text_of(curves.at_start), text_of(program.start()));
  ASSERT_EQ(text_of(curves.at_end), text_of(moments.back()));
  expect_peak(curves.allocated, find_peak(program.start(), moments, &Usage::allocated), "allocated");
  expect_peak(curves.active, find_peak(program.start(), moments, &Usage::active), "active");
  expect_peak(curves.requested, find_peak(program.start(), moments, &Usage::requested), "requested");
  expect_peak(curves.reserved, find_peak(program.start(), moments, &Usage::reserved), "reserved");
  expect_timeline(curves, moments, points);
  EXPECT_EQ(curves.beyond_reserved, kNever);
  for (uint32_t entry = 0; entry < moments.size(); entry += 1 + seed % 7) {
    ASSERT_EQ(text_of(count(state_after(trace, device, history, entry))), text_of(moments[entry])) << entry;
  }
  EXPECT_EQ(text_of(count(state_after(trace, device, history, kBefore))), text_of(program.start()));
  EXPECT_EQ(text_of(count(final_state(trace, device))), text_of(moments.back()));
}

TEST(Usage, AgreesWithThePlainAccountsOfRandomPrograms) {
  for (uint32_t seed = 1; seed <= 60 && !testing::Test::HasFailure(); ++seed) {
    for (const bool expandable : {false, true}) {
      for (const bool mid_way : {false, true}) check_random_program(seed, expandable, Skips::kNothing, mid_way);
    }
  }
}

TEST(Usage, AgreesWithThePlainAccountsOfRecordingsThatLeaveOutHalfOfEachFree) {
  for (uint32_t seed = 1; seed <= 30 && !testing::Test::HasFailure(); ++seed) {
    for (const Skips skips : {Skips::kRequests, Skips::kCompletions}) {
      for (const bool mid_way : {false, true}) check_random_program(seed, seed % 2 == 0, skips, mid_way);
    }
  }
}

TEST(Usage, IsThatOfTheSnapshotWithoutARecording) {
  Program program(1, false, Skips::kNothing);
  program.run(100);
  trace::Trace trace;
  trace::Device device;
  std::vector<Usage> moments;
  program.record(program.entries(), trace, device, moments);
  const UsageCurves curves = measure_usage(trace, device, build_history(trace, device), 10);
  EXPECT_TRUE(curves.timeline.empty());
  EXPECT_EQ(text_of(curves.at_start), text_of(program.start()));
  EXPECT_EQ(text_of(curves.at_end), text_of(program.start()));
  EXPECT_EQ(curves.allocated.entry, kBefore);
}

TEST(Usage, NoticesMoreActiveThanReserved) {
  trace::Builder builder;
  for (const uint64_t addr : {kBase, kBase + 512}) {
    trace::EventFields event;
    event.action = Action::kAlloc;
    event.addr = addr;
    event.size = 512;
    builder.add_event(event);
  }
  const trace::Device device{.event_count = 2};
  const UsageCurves curves = measure_usage(builder.trace, device, build_history(builder.trace, device), 10);
  EXPECT_EQ(curves.beyond_reserved, 0U);
  EXPECT_EQ(curves.active.bytes, 1_KiB);
}

}  // namespace
}  // namespace unfrag::analyze
