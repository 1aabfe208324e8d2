#include "analyze/growth.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "analyze/loop_for_tests.h"

namespace unfrag::analyze {
namespace {

constexpr uint64_t kKiB = 1 << 10;

/// Steps that begin with an annotation, need memory for themselves, and do what `keep` does.
Growth grow(Loop& loop, int steps, const std::function<void(int)>& keep) {
  loop.alloc(3, 512 * kKiB);
  for (int step = 0; step < steps; ++step) {
    loop.annotate("ProfilerStep#0", trace::Stage::kStart);
    const auto batch = loop.alloc(10, 64 * kKiB);
    const auto output = loop.alloc(11, 32 * kKiB);
    keep(step);
    loop.free(output);
    loop.free(batch);
    loop.annotate("ProfilerStep#0", trace::Stage::kEnd);
  }
  return loop.growth();
}

TEST(Growth, NamesTheLineWhoseBlocksAreKept) {
  Loop loop;
  const Growth growth = grow(loop, 50, [&](int) { loop.alloc(20, 100); });
  ASSERT_EQ(growth.suspects.size(), 1U);
  const Suspect& suspect = growth.suspects[0];
  EXPECT_EQ(loop.line_of(suspect), 20U);
  EXPECT_EQ(suspect.iterations, 49U) << "the first one warms up";
  EXPECT_EQ(suspect.last_blocks - suspect.first_blocks, 48U);
  EXPECT_EQ(suspect.rise(), Bytes(uint64_t{48} * 512));
  EXPECT_DOUBLE_EQ(suspect.bytes_per_iteration, 512);
  EXPECT_GT(suspect.confidence, 0.999);
  EXPECT_EQ(growth.rise, suspect.rise());
}

TEST(Growth, FourIterationsAreEnough) {
  Loop loop;
  EXPECT_EQ(grow(loop, 4, [&](int) { loop.alloc(20, 100); }).suspects.size(), 1U);
  Loop shorter;
  EXPECT_TRUE(grow(shorter, 3, [&](int) { shorter.alloc(20, 100); }).suspects.empty());
}

TEST(Growth, FindsALeakInEveryFewSteps) {
  Loop loop;
  const Growth growth = grow(loop, 50, [&](int step) {
    if (step % 9 == 8) loop.alloc(20, kKiB);
  });
  ASSERT_EQ(growth.suspects.size(), 1U);
  EXPECT_EQ(loop.line_of(growth.suspects[0]), 20U);
}

TEST(Growth, FindsOneBlockThatIsReplacedByALargerOne) {
  Loop loop;
  Loop::Block history = loop.alloc(4, 512);
  const Growth growth = grow(loop, 30, [&](int step) {
    const auto larger = loop.alloc(21, static_cast<uint64_t>(step + 2) * 4 * kKiB);
    loop.free(history);
    history = larger;
  });
  ASSERT_EQ(growth.suspects.size(), 1U);
  EXPECT_EQ(loop.line_of(growth.suspects[0]), 21U);
  EXPECT_DOUBLE_EQ(growth.suspects[0].bytes_per_iteration, 4 * kKiB);
  EXPECT_EQ(growth.suspects[0].last_blocks, 1U);
}

TEST(Growth, SequencesThatBecomeLongerAreNone) {
  Loop loop;
  std::vector<Loop::Block> names;
  loop.alloc(3, kKiB);
  for (uint64_t step = 0; step < 30; ++step) {
    loop.annotate("ProfilerStep#0", trace::Stage::kStart);
    std::vector<Loop::Block> now;
    for (uint32_t line = 10; line < 16; ++line) now.push_back(loop.alloc(line, (step + 1) * 8 * kKiB));
    for (const auto& name : names) loop.free(name);
    names = {now[0], now[5]};
    for (size_t i = 1; i < 5; ++i) loop.free(now[i]);
    loop.annotate("ProfilerStep#0", trace::Stage::kEnd);
  }
  const Growth growth = loop.growth();
  EXPECT_EQ(growth.iterations.count(), 30U);
  EXPECT_TRUE(growth.suspects.empty());
}

TEST(Growth, AListThatIsClearedNowAndThenIsNone) {
  for (const int epoch : {7, 10, 23}) {
    Loop loop;
    std::vector<Loop::Block> list;
    const Growth growth = grow(loop, 50, [&](int step) {
      list.push_back(loop.alloc(20, 512));
      if (step % epoch != epoch - 1) return;
      for (const auto& block : list) loop.free(block);
      list.clear();
    });
    EXPECT_TRUE(growth.suspects.empty()) << epoch;
  }
}

TEST(Growth, ABufferThatFillsAndStaysFullIsNone) {
  for (const size_t capacity : {size_t{3}, size_t{20}, size_t{35}}) {
    Loop stays, replaces;
    std::deque<Loop::Block> list;
    size_t held = 0;
    EXPECT_TRUE(grow(stays, 50, [&](int) {
                  if (held++ < capacity) stays.alloc(20, 512);
                }).suspects.empty());
    EXPECT_TRUE(grow(replaces, 50, [&](int) {
                  list.push_back(replaces.alloc(20, 512));
                  if (list.size() <= capacity) return;
                  replaces.free(list.front());
                  list.pop_front();
                }).suspects.empty());
  }
}

TEST(Growth, StateOfAnOptimizerIsNone) {
  Loop loop;
  const auto state = loop.stack(41, Loop::optimizer());
  EXPECT_TRUE(grow(loop, 20, [&](int) { loop.alloc(state, 512); }).suspects.empty());
}

TEST(Growth, WhatWasFreedByTheEndIsNone) {
  Loop loop;
  std::vector<Loop::Block> kept;
  grow(loop, 30, [&](int) { kept.push_back(loop.alloc(20, 512)); });
  const uint32_t before = loop.entries();
  for (const auto& block : kept) loop.free(block);
  EXPECT_EQ(loop.growth(before).suspects.size(), 1U);
  EXPECT_TRUE(loop.growth().suspects.empty());
}

TEST(Growth, StacksOfOneLineAreOneSuspect) {
  Loop loop;
  const Growth growth = grow(loop, 20, [&](int step) {
    const std::vector<Loop::Place> inner = {{"forward", "/x/site-packages/torch/functional.py", 5}};
    loop.alloc(step % 3 == 0 ? loop.stack(20, inner) : loop.stack(20), 512);
    loop.alloc(21, 2 * kKiB);
  });
  ASSERT_EQ(growth.suspects.size(), 2U);
  EXPECT_EQ(loop.line_of(growth.suspects[0]), 21U) << "most bytes first";
  EXPECT_EQ(loop.line_of(growth.suspects[1]), 20U);
  EXPECT_EQ(growth.suspects[1].stack, loop.stack(20)) << "the one that gained most";
  EXPECT_EQ(growth.suspects[1].last_blocks - growth.suspects[1].first_blocks, 18U);
}

TEST(Growth, TakesManyIterationsTogether) {
  Loop loop;
  const Growth growth = grow(loop, 1000, [&](int) { loop.alloc(20, 512); });
  ASSERT_EQ(growth.suspects.size(), 1U);
  EXPECT_EQ(growth.suspects[0].iterations, 999U);
  EXPECT_NEAR(growth.suspects[0].bytes_per_iteration, 512, 1);
}

TEST(Growth, WithoutStacksTheSumOfAllTells) {
  Loop loop;
  loop.alloc(trace::kEmptyStack, kKiB);
  for (int step = 0; step < 30; ++step) {
    loop.annotate("ProfilerStep#0", trace::Stage::kStart);
    const auto batch = loop.alloc(trace::kEmptyStack, 64 * kKiB);
    loop.alloc(trace::kEmptyStack, 512);
    loop.free(batch);
    loop.annotate("ProfilerStep#0", trace::Stage::kEnd);
  }
  const Growth growth = loop.growth();
  ASSERT_EQ(growth.suspects.size(), 1U);
  EXPECT_EQ(growth.suspects[0].stack, trace::kEmptyStack);
  EXPECT_EQ(growth.suspects[0].rise(), Bytes(uint64_t{28} * 512));
}

TEST(Growth, NothingComesOfNothing) {
  Loop loop;
  EXPECT_TRUE(loop.growth().suspects.empty());
  EXPECT_EQ(loop.growth().iterations.source, Iterations::kNone);
}

}  // namespace
}  // namespace unfrag::analyze
