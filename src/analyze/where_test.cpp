#include "analyze/where.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "analyze/lives.h"
#include "trace/builder.h"

namespace unfrag::analyze {
namespace {

using trace::Action;
using trace::BlockState;
using trace::PoolKind;

constexpr uint64_t kBase = 0x7000'0000'0000;
constexpr uint64_t kMiB = 1 << 20;

/// A device as a snapshot shows it; offsets count from kBase.
class Snapshot {
 public:
  Snapshot& segment(uint64_t offset, uint64_t size, PoolKind kind = PoolKind::kLarge, int64_t stream = 0,
                    trace::PoolId pool = {}) {
    trace::Segment& added = builder_.trace.segments.emplace_back();
    added.addr = Address(kBase + offset);
    added.total = Bytes(size);
    added.kind = kind;
    added.stream = stream;
    added.pool = pool;
    added.first_block = static_cast<uint32_t>(builder_.trace.blocks.size_rows());
    ++device_.segment_count;
    return *this;
  }
  Snapshot& expandable(uint64_t offset, uint64_t size, PoolKind kind = PoolKind::kLarge) {
    segment(offset, size, kind);
    builder_.trace.segments.back().expandable = true;
    return *this;
  }
  Snapshot& block(uint64_t offset, uint64_t size, uint64_t requested = 0, BlockState state = BlockState::kAllocated) {
    builder_.add_block(
        {.addr = kBase + offset, .size = size, .requested = requested == 0 ? size : requested, .state = state});
    ++builder_.trace.segments.back().block_count;
    return *this;
  }
  Snapshot& pending(uint64_t offset, uint64_t size) { return block(offset, size, size, BlockState::kPendingFree); }
  Snapshot& entry(Action action, uint64_t offset, uint64_t size) {
    trace::EventFields event;
    event.action = action;
    event.addr = kBase + offset;
    event.size = size;
    builder_.add_event(event);
    ++device_.event_count;
    return *this;
  }

  [[nodiscard]] MemoryState state() const { return final_state(builder_.trace, device_); }
  [[nodiscard]] Where where(uint32_t entry = kNever) const {
    const History history = build_history(builder_.trace, device_);
    const MemoryState at = entry == kNever ? state() : state_after(builder_.trace, device_, history, entry);
    return where_bytes_are(builder_.trace, device_, history, at);
  }
  [[nodiscard]] Fragmentation fragmentation(const std::optional<FailedRequest>& failed = {}) const {
    return measure_fragmentation(state(), builder_.trace.settings, failed);
  }
  trace::Settings& settings() { return builder_.trace.settings; }

 private:
  trace::Builder builder_;
  trace::Device device_;
};

void expect_sums(const Where& where) {
  EXPECT_EQ(where.requested + where.rounding + where.pending + where.free_in_segments + where.free_segments,
            where.reserved);
  Bytes reserved, allocated, pending, free, free_segments;
  for (const PoolUse& use : where.pools) {
    EXPECT_EQ(use.allocated + use.pending + use.free, use.reserved);
    reserved += use.reserved;
    allocated += use.allocated;
    pending += use.pending;
    free += use.free;
    free_segments += use.free_segments;
  }
  EXPECT_EQ(reserved, where.reserved);
  EXPECT_EQ(allocated, where.allocated());
  EXPECT_EQ(pending, where.pending);
  EXPECT_EQ(free_segments, where.free_segments);
  EXPECT_EQ(free, where.free_in_segments + where.free_segments);
}

TEST(Where, DividesTheReservedBytesIntoFiveParts) {
  Snapshot snapshot;
  snapshot.segment(0, 20 * kMiB).block(0, 4 * kMiB, 3 * kMiB).pending(4 * kMiB, 2 * kMiB).block(10 * kMiB, kMiB);
  snapshot.segment(100 * kMiB, 20 * kMiB);
  const Where where = snapshot.where();
  EXPECT_EQ(where.requested, 4_MiB);
  EXPECT_EQ(where.rounding, 1_MiB);
  EXPECT_EQ(where.pending, 2_MiB);
  EXPECT_EQ(where.free_in_segments, 13_MiB);
  EXPECT_EQ(where.free_segments, 20_MiB);
  EXPECT_EQ(where.reserved, 40_MiB);
  EXPECT_EQ(where.allocated(), 5_MiB);
  EXPECT_EQ(where.active(), 7_MiB);
  expect_sums(where);
}

TEST(Where, HasOneRowForEachPoolAndStream) {
  Snapshot snapshot;
  snapshot.segment(0, 20 * kMiB).block(0, kMiB);
  snapshot.segment(100 * kMiB, 20 * kMiB).block(105 * kMiB, 5 * kMiB);
  snapshot.segment(200 * kMiB, 20 * kMiB, PoolKind::kLarge, 7);
  snapshot.segment(300 * kMiB, 2 * kMiB, PoolKind::kSmall);
  snapshot.segment(400 * kMiB, 20 * kMiB, PoolKind::kLarge, 0, {0, 1});
  const Where where = snapshot.where();
  ASSERT_EQ(where.pools.size(), 4U);
  expect_sums(where);
  for (const PoolUse& use : where.pools) {
    const bool main = use.kind == PoolKind::kLarge && use.stream == 0 && use.pool.is_default();
    EXPECT_EQ(use.segments, main ? 2U : 1U);
    if (main) {
      EXPECT_EQ(use.largest_hole, 19_MiB);
    }
  }
}

TEST(Where, SumsWhatWasUnmappedAgain) {
  Snapshot snapshot;
  snapshot.entry(Action::kSegmentMap, 0, 20 * kMiB)
      .entry(Action::kSegmentMap, 20 * kMiB, 20 * kMiB)
      .entry(Action::kSegmentUnmap, 0, 40 * kMiB)
      .entry(Action::kSegmentMap, 20 * kMiB, 20 * kMiB)
      .expandable(20 * kMiB, 20 * kMiB);
  EXPECT_EQ(snapshot.where().unmapped, 20_MiB);
  EXPECT_EQ(snapshot.where(1).unmapped, 0_B);
  EXPECT_EQ(snapshot.where(2).unmapped, 40_MiB);
  EXPECT_EQ(snapshot.where(kBefore).unmapped, 0_B);
}

TEST(Where, AddsUpForAnyState) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::minstd_rand random(seed);
    const auto below = [&](uint64_t limit) { return random() / 7 % limit; };
    Snapshot snapshot;
    for (uint64_t s = 0; s < 1 + below(6); ++s) {
      const uint64_t offset = s * 64 * kMiB;
      snapshot.segment(offset, (1 + below(40)) * kMiB, below(2) == 0 ? PoolKind::kLarge : PoolKind::kSmall,
                       static_cast<int64_t>(below(2)), {0, below(2)});
      // Blocks may overlap and reach beyond their segment: the file may be wrong, the sums may not.
      for (uint64_t b = below(10); b > 0; --b) {
        const uint64_t size = 1 + below(8 * kMiB);
        snapshot.block(offset + below(44 * kMiB), size, 1 + below(size),
                       below(3) == 0 ? BlockState::kPendingFree : BlockState::kAllocated);
      }
    }
    const Where where = snapshot.where();
    expect_sums(where);
    const Fragmentation holes = snapshot.fragmentation();
    EXPECT_EQ(holes.free, where.free_in_segments + where.free_segments);
    EXPECT_LE(holes.largest_free, holes.free);
    EXPECT_LE(holes.stranded, holes.free + where.pending);
    EXPECT_LE(holes.releasable, holes.free + where.pending);
    Bytes pinned;
    for (const PinnedSegment& segment : find_pinned_segments(snapshot.state())) pinned += segment.free;
    EXPECT_EQ(pinned, where.free_in_segments);
  }
}

// --- Holes ---

TEST(Fragmentation, FindsTheLargestHoleAtEitherEndAndBetween) {
  EXPECT_EQ(Snapshot().segment(0, 20 * kMiB).block(8 * kMiB, kMiB).fragmentation().largest_free, 11_MiB);
  EXPECT_EQ(Snapshot().segment(0, 20 * kMiB).block(15 * kMiB, kMiB).fragmentation().largest_free, 15_MiB);
  EXPECT_EQ(Snapshot().segment(0, 20 * kMiB).block(0, kMiB).block(19 * kMiB, kMiB).fragmentation().largest_free,
            18_MiB);
  EXPECT_EQ(Snapshot().segment(0, 20 * kMiB).block(0, 20 * kMiB).fragmentation().largest_free, 0_B);
  EXPECT_EQ(Snapshot().fragmentation().free, 0_B);
}

TEST(Fragmentation, DoesNotJoinHolesOfPlainSegmentsThatTouch) {
  const Fragmentation holes = Snapshot().segment(0, 20 * kMiB).segment(20 * kMiB, 20 * kMiB).fragmentation();
  EXPECT_EQ(holes.free, 40_MiB);
  EXPECT_EQ(holes.largest_free, 20_MiB);
}

TEST(Fragmentation, ReleasesPlainSegmentsWithNothingAllocated) {
  Snapshot snapshot;
  snapshot.segment(0, 20 * kMiB);
  snapshot.segment(100 * kMiB, 10 * kMiB).pending(100 * kMiB, kMiB);
  snapshot.segment(200 * kMiB, 20 * kMiB).block(200 * kMiB, 512);
  snapshot.segment(300 * kMiB, 20 * kMiB, PoolKind::kLarge, 0, {0, 1});
  EXPECT_EQ(snapshot.fragmentation().releasable, 30_MiB) << "waits for streams; private pools stay";
}

TEST(Fragmentation, ReleasesWholePagesOfExpandableSegments) {
  // Pages of 20 MiB counted from the start: [0, 20), [20, 40), [40, 60), [60, 80).
  const auto releasable = [](Snapshot& snapshot) { return snapshot.fragmentation().releasable; };
  Snapshot one;
  EXPECT_EQ(releasable(one.expandable(7 * kMiB, 80 * kMiB).block(7 * kMiB + 30 * kMiB, kMiB)), 60_MiB);
  Snapshot two;
  two.expandable(0, 80 * kMiB).block(kMiB, kMiB).block(41 * kMiB, kMiB);
  EXPECT_EQ(releasable(two), 40_MiB);
  Snapshot straddling;
  straddling.expandable(0, 80 * kMiB).block(19 * kMiB, 2 * kMiB).block(59 * kMiB, 2 * kMiB);
  EXPECT_EQ(releasable(straddling), 0_B);
  Snapshot whole;
  whole.expandable(0, 80 * kMiB).pending(30 * kMiB, kMiB);
  EXPECT_EQ(releasable(whole), 80_MiB);
  Snapshot small;
  small.expandable(0, 8 * kMiB, PoolKind::kSmall).block(3 * kMiB, 512);
  EXPECT_EQ(releasable(small), 6_MiB);
}

TEST(Fragmentation, KnowsTheSettingOfPageSizes) {
  trace::Settings settings;
  EXPECT_EQ(page_size(settings, PoolKind::kLarge), 20_MiB);
  EXPECT_EQ(page_size(settings, PoolKind::kSmall), 2_MiB);
  settings.conf = "expandable_segments:True,large_segment_size_mb:64";
  EXPECT_EQ(page_size(settings, PoolKind::kLarge), 64_MiB);
  EXPECT_EQ(page_size(settings, PoolKind::kSmall), 2_MiB);
  for (const char* nonsense : {"large_segment_size_mb:", "large_segment_size_mb:x", "large_segment_size_mb:0",
                               "large_segment_size_mb:99999999999999999999"}) {
    settings.conf = nonsense;
    EXPECT_EQ(page_size(settings, PoolKind::kLarge), 20_MiB) << nonsense;
  }
}

TEST(Fragmentation, StrandsWhatTheDefaultPoolMayNotUse) {
  Snapshot snapshot;
  snapshot.segment(0, 20 * kMiB).pending(0, kMiB);
  snapshot.segment(100 * kMiB, 20 * kMiB, PoolKind::kLarge, 7).block(100 * kMiB, 4 * kMiB).pending(110 * kMiB, kMiB);
  snapshot.segment(200 * kMiB, 20 * kMiB, PoolKind::kLarge, 0, {0, 1});
  snapshot.segment(300 * kMiB, 2 * kMiB, PoolKind::kSmall);
  EXPECT_EQ(snapshot.fragmentation().stranded, 1_MiB + 16_MiB + 20_MiB);
}

TEST(Fragmentation, StrandsWhatTheFailedRequestMayNotUse) {
  Snapshot snapshot;
  snapshot.segment(0, 20 * kMiB);
  snapshot.segment(100 * kMiB, 20 * kMiB, PoolKind::kLarge, 7).pending(100 * kMiB, kMiB);
  snapshot.segment(300 * kMiB, 2 * kMiB, PoolKind::kSmall, 7);
  FailedRequest failed;
  failed.stream = 7;
  failed.rounded = 5_MiB;
  EXPECT_EQ(snapshot.fragmentation(failed).stranded, 20_MiB + 1_MiB + 2_MiB);
  failed.rounded = 512_B;
  EXPECT_EQ(snapshot.fragmentation(failed).stranded, 20_MiB + 20_MiB);
  failed.pool = {0, 9};
  EXPECT_EQ(snapshot.fragmentation(failed).stranded, 42_MiB);
}

TEST(Fragmentation, ListsSegmentsThatABlockKeepsFromTheDriver) {
  Snapshot snapshot;
  snapshot.segment(0, 20 * kMiB).block(0, kMiB).block(2 * kMiB, 3 * kMiB);
  snapshot.segment(100 * kMiB, 20 * kMiB);
  snapshot.segment(200 * kMiB, 20 * kMiB).block(200 * kMiB, 20 * kMiB);
  snapshot.segment(300 * kMiB, 20 * kMiB).block(310 * kMiB, 512);
  const std::vector<PinnedSegment> pinned = find_pinned_segments(snapshot.state());
  ASSERT_EQ(pinned.size(), 2U);
  EXPECT_EQ(pinned[0].run.addr, kBase + 300 * kMiB);
  EXPECT_EQ(pinned[0].held, 512_B);
  EXPECT_EQ(pinned[0].free, 20_MiB - 512_B);
  EXPECT_EQ(pinned[1].run.addr, kBase);
  EXPECT_EQ(pinned[1].blocks, 2U);
  EXPECT_EQ(pinned[1].largest.size, 3 * kMiB);
}

// --- States that contradict themselves ---

TEST(MemoryState, CutsBlocksThatReachBeyondTheirSegment) {
  const MemoryState state = Snapshot().segment(0, 2 * kMiB).block(kMiB, 8 * kMiB).state();
  ASSERT_EQ(state.blocks.size(), 1U);
  EXPECT_EQ(state.blocks[0].size, kMiB);
  EXPECT_EQ(state.blocks[0].requested, kMiB);
  EXPECT_EQ(state.segments[0].free, 1_MiB);
}

TEST(MemoryState, CountsBlocksThatLieNowhere) {
  Snapshot snapshot;
  snapshot.segment(10 * kMiB, 2 * kMiB)
      .block(0, 512)
      .block(11 * kMiB, 512)
      .block(11 * kMiB + 256, 512)
      .block(40 * kMiB, 512);
  const MemoryState state = snapshot.state();
  EXPECT_EQ(state.blocks.size(), 1U);
  EXPECT_EQ(state.blocks_outside, 3U) << "before, overlapping, behind";
}

}  // namespace
}  // namespace unfrag::analyze
