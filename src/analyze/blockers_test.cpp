#include "analyze/blockers.h"

#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "analyze/state_builder.h"

namespace unfrag::analyze {
namespace {

Request request_of(uint64_t mib) { return make_request(Bytes(mib * kTestMiB), 0, {}, {}); }

TEST(Openings, AreTheCheapestBlocksThatMakeAHole) {
  StateBuilder builder;
  builder.segment(0, 100).block(0, 10).block(20, 30).block(60, 5).block(80, 20);
  const auto openings = find_openings(builder.state(), request_of(30), 5);
  ASSERT_EQ(openings.size(), 1U);
  EXPECT_EQ(openings[0].release, 5_MiB);
  EXPECT_EQ(openings[0].hole, 30_MiB);  // from 50 to 80
  ASSERT_EQ(openings[0].blocks.size(), 1U);
}

TEST(Openings, PreferFewerBlocksOfTheSameBytes) {
  StateBuilder builder;
  builder.segment(0, 40).block(4, 2).block(8, 2).block(20, 20);  // 20 MiB open for both small ones
  builder.segment(100, 40).block(110, 4).block(120, 20);         // ... and for one of the same bytes
  const auto openings = find_openings(builder.state(), request_of(20), 5);
  ASSERT_EQ(openings.size(), 2U);
  EXPECT_EQ(openings[0].blocks.size(), 1U);
  EXPECT_EQ(openings[0].release, openings[1].release);
}

TEST(Openings, BlocksThatWaitForAStreamCostNothing) {
  StateBuilder builder;
  builder.segment(0, 60).block(0, 10).pending(20, 20).block(50, 10);
  const auto openings = find_openings(builder.state(), request_of(40), 5);
  ASSERT_EQ(openings.size(), 1U);
  EXPECT_EQ(openings[0].release, 0_B);
  EXPECT_TRUE(openings[0].blocks.empty());
}

TEST(Openings, LieOnlyWhereTheRequestMayGo) {
  StateBuilder builder;
  builder.segment(0, 60, /*stream=*/7).block(10, 1);
  builder.segment(100, 60, 0, {0, 1}).block(110, 1);
  builder.segment(200, 20).block(205, 1);
  EXPECT_TRUE(find_openings(builder.state(), request_of(40), 5).empty());
}

TEST(Openings, AreNoLargerThanTheSplitLimitAllows) {
  StateBuilder builder;
  builder.segment(0, 100).block(50, 50);  // 50 MiB open: at the limit and above
  builder.segment(200, 40).block(210, 10).block(220, 20);
  Request request = request_of(20);
  request.max_split_size = 40_MiB;
  const auto openings = find_openings(builder.state(), request, 5);
  ASSERT_EQ(openings.size(), 1U);
  EXPECT_EQ(openings[0].release, 10_MiB);
}

/// The cheapest of all sets of live blocks of one segment, by trying each.
std::optional<std::tuple<Bytes, size_t>> try_every_set(const MemoryState& state, const Request& request) {
  std::optional<std::tuple<Bytes, size_t>> best;
  for (const PlacedSegment& segment : state.segments) {
    if (!may_use(segment.run, request)) continue;
    for (uint32_t chosen = 0; chosen < (1U << segment.block_count); ++chosen) {
      Bytes release;
      size_t live = 0;
      uint64_t reached = segment.run.addr;
      bool served = false;
      const auto hole_until = [&](uint64_t end) { served = served || serves(Bytes(end - reached), request); };
      for (uint32_t b = 0; b < segment.block_count; ++b) {
        const PlacedBlock& block = state.blocks[segment.first_block + b];
        if (((chosen >> b) & 1) != 0) {
          release += block.pending ? Bytes() : Bytes(block.size);
          live += block.pending ? 0 : 1;
          continue;
        }
        hole_until(block.addr);
        reached = block.addr + block.size;
      }
      hole_until(segment.run.end());
      const std::tuple cost(release, live);
      if (served && (!best || cost < *best)) best = cost;
    }
  }
  return best;
}

MemoryState random_state(std::mt19937& random) {
  const auto pick = [&](uint64_t below) { return static_cast<uint64_t>(random() % below); };
  StateBuilder builder;
  const uint64_t segments = 1 + pick(4);
  for (uint64_t s = 0; s < segments; ++s) {
    const uint64_t size = 10 + pick(40);
    const bool foreign = pick(5) == 0;
    builder.segment(s * 100, size, foreign ? 7 : 0, {}, pick(3) == 0);
    uint64_t at = pick(4);
    for (int b = 0; b < 9; ++b) {
      const uint64_t length = 2 + pick(6);
      if (at + length > size) break;
      builder.block(s * 100 + at, length, pick(8) == 0);
      at += length + pick(3) * pick(4);
    }
  }
  return builder.state();
}

TEST(Openings, EqualAnExhaustiveSearchOnTwoThousandRandomStates) {
  std::mt19937 random(20260);
  size_t found = 0;
  for (int i = 0; i < 2000; ++i) {
    const MemoryState state = random_state(random);
    Request request = request_of(2 + random() % 30);
    if (random() % 4 == 0) request.max_split_size = Bytes((20 + random() % 20) * kTestMiB);
    const auto expected = try_every_set(state, request);
    const auto openings = find_openings(state, request, 5);
    ASSERT_EQ(openings.empty(), !expected.has_value()) << i;
    if (!expected) continue;
    ++found;
    EXPECT_EQ(std::tuple(openings[0].release, openings[0].blocks.size()), *expected) << i;
    EXPECT_TRUE(serves(openings[0].hole, request)) << i;
  }
  EXPECT_GT(found, 1000U);
}

TEST(Emptying, EqualsAnExhaustiveSearchOnRandomStates) {
  std::mt19937 random(4711);
  size_t found = 0;
  for (int i = 0; i < 500; ++i) {
    StateBuilder builder;
    const uint64_t segments = 1 + random() % 8;
    for (uint64_t s = 0; s < segments; ++s) {
      builder.segment(s * 100, 2 * (1 + random() % 20), static_cast<int64_t>(random() % 2), {}, random() % 6 == 0);
      const uint64_t size = builder.state().segments.back().run.size / kTestMiB;
      if (random() % 6 != 0) builder.block(s * 100, 1 + random() % size, random() % 5 == 0);
    }
    const MemoryState& state = builder.state();
    const Bytes missing(random() % (40 * kTestMiB));
    std::optional<Bytes> best;
    for (uint32_t chosen = 0; chosen < (1U << segments); ++chosen) {
      Bytes returned, release;
      bool allowed = true;
      for (uint64_t s = 0; s < segments; ++s) {
        if (((chosen >> s) & 1) == 0) continue;
        const PlacedSegment& segment = state.segments[s];
        allowed = allowed && !segment.run.expandable && segment.block_count > 0;
        returned += Bytes(segment.run.size);
        release += segment.active - segment.pending;
      }
      for (const PlacedSegment& segment : state.segments) {
        if (!segment.run.expandable && segment.block_count == 0) returned += Bytes(segment.run.size);
      }
      if (allowed && returned >= missing && (!best || release < *best)) best = release;
    }
    const Emptying emptying = find_emptying(state, missing);
    if (best && *best == Bytes()) continue;  // what is free already, or pending, is enough
    ASSERT_EQ(emptying.segments.empty(), !best) << i;
    if (emptying.segments.empty()) continue;
    ++found;
    EXPECT_EQ(emptying.release, *best) << i;
    EXPECT_TRUE(emptying.cheapest);
  }
  EXPECT_GT(found, 200U);
}

}  // namespace
}  // namespace unfrag::analyze
