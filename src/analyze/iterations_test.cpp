#include "analyze/iterations.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "analyze/loop_for_tests.h"

namespace unfrag::analyze {
namespace {

constexpr uint64_t kKiB = 1 << 10;

/// A step that needs six blocks for itself.
void work(Loop& loop, uint32_t line) {
  std::vector<Loop::Block> blocks;
  blocks.reserve(6);
  for (uint32_t i = 0; i < 6; ++i) blocks.push_back(loop.alloc(line + i, uint64_t{i + 1} * 64 * kKiB));
  for (const Loop::Block& block : blocks) loop.free(block);
}

void optimize(Loop& loop) { loop.free(loop.alloc(loop.stack(41, Loop::optimizer()), 8 * kKiB)); }

TEST(Iterations, AreTheProfilersSteps) {
  Loop loop;
  loop.alloc(5, 512);
  for (int step = 0; step < 6; ++step) {
    loop.annotate(fmt::format("ProfilerStep#{}", step), trace::Stage::kStart);
    work(loop, 10);
    loop.annotate("Optimizer.step#SGD.step", trace::Stage::kStart);
    optimize(loop);
    loop.annotate("Optimizer.step#SGD.step", trace::Stage::kEnd);
    loop.annotate(fmt::format("ProfilerStep#{}", step), trace::Stage::kEnd);
  }
  const Iterations found = loop.iterations();
  EXPECT_EQ(found.source, Iterations::kAnnotations);
  EXPECT_EQ(found.name, "ProfilerStep");
  EXPECT_EQ(found.count(), 6U);
  EXPECT_EQ(found.begins.front(), 1U);
  EXPECT_EQ(found.begins.back(), loop.entries());
}

TEST(Iterations, AreTheOptimizersStepsWhereBatchesAreAccumulated) {
  Loop loop;
  for (int step = 0; step < 24; ++step) {
    loop.annotate(fmt::format("ProfilerStep#{}", step), trace::Stage::kStart);
    work(loop, 10);
    if (step % 4 != 3) continue;
    loop.annotate("Optimizer.step#SGD.step", trace::Stage::kStart);
    optimize(loop);
  }
  const Iterations found = loop.iterations();
  EXPECT_EQ(found.name, "Optimizer.step#SGD.step");
  EXPECT_EQ(found.count(), 5U);
}

TEST(Iterations, AreFoundByTheOptimizersStacks) {
  Loop loop;
  for (int step = 0; step < 6; ++step) {
    work(loop, 10);
    for (int parameter = 0; parameter < 3; ++parameter) optimize(loop);
  }
  const Iterations found = loop.iterations();
  EXPECT_EQ(found.source, Iterations::kOptimizer);
  EXPECT_EQ(found.name, "/home/user/train.py:41");
  EXPECT_EQ(found.count(), 5U);
}

TEST(Iterations, WhatAStepRunsForTheProgramIsNotTheOptimizers) {
  Loop loop;
  const auto inside = [&](uint32_t line) {
    auto places = Loop::optimizer();
    places.push_back({"closure", "/home/user/train.py", line});
    return loop.stack(41, places);
  };
  for (int step = 0; step < 8; ++step) {
    for (int again = 0; again < 3; ++again) {
      for (uint32_t line = 10; line < 16; ++line) loop.free(loop.alloc(inside(line), 64 * kKiB));
    }
    optimize(loop);
  }
  EXPECT_EQ(loop.iterations().count(), 7U);
}

TEST(Iterations, AreFoundByWhatRepeats) {
  Loop loop;
  loop.alloc(5, 512);
  for (int step = 0; step < 8; ++step) work(loop, 10);
  const Iterations found = loop.iterations();
  EXPECT_EQ(found.source, Iterations::kRepetition);
  EXPECT_EQ(found.name, "/home/user/train.py:10");
  EXPECT_EQ(found.count(), 7U);
}

TEST(Iterations, AreTheCoarsestOfWhatRepeats) {
  Loop loop;
  for (int prompt = 0; prompt < 7; ++prompt) {
    const auto input = loop.alloc(8, kKiB);
    for (int token = 0; token < 9; ++token) work(loop, 10);
    loop.free(input);
  }
  const Iterations found = loop.iterations();
  EXPECT_EQ(found.name, "/home/user/train.py:8");
  EXPECT_EQ(found.count(), 6U);
}

TEST(Iterations, LayersOfAForwardPassAreNone) {
  Loop loop;
  for (int layer = 0; layer < 24; ++layer) {
    std::vector<Loop::Block> blocks;
    for (uint32_t line = 20; line < 28; ++line) blocks.push_back(loop.alloc(loop.stack(7, Loop::module(line)), kKiB));
    for (size_t i = 0; i < 7; ++i) loop.free(blocks[i]);
  }
  EXPECT_EQ(loop.iterations().source, Iterations::kNone);
}

TEST(Iterations, AnnotatedLayersAreNone) {
  Loop loop;
  for (int layer = 0; layer < 24; ++layer) {
    loop.annotate("layer", trace::Stage::kStart);
    for (uint32_t line = 20; line < 28; ++line) loop.alloc(line, kKiB);
    loop.annotate("layer", trace::Stage::kEnd);
  }
  EXPECT_EQ(loop.iterations().source, Iterations::kNone);
}

TEST(Iterations, AListBeingFilledIsNone) {
  Loop loop;
  for (int i = 0; i < 100; ++i) {
    const auto raw = loop.alloc(10, kKiB);
    loop.alloc(11, kKiB);
    loop.free(raw);
  }
  EXPECT_EQ(loop.iterations().source, Iterations::kNone);
}

TEST(Iterations, ThatEndedLongAgoAreNone) {
  Loop loop;
  for (int step = 0; step < 20; ++step) work(loop, 10);
  for (int i = 0; i < 60; ++i) loop.alloc(50, kKiB);
  EXPECT_EQ(loop.iterations().source, Iterations::kNone);
}

TEST(Iterations, BeginWithinTheRecording) {
  Loop loop;  // the segments are not in it, so it does not show the process's beginning
  for (int step = 0; step < 8; ++step) {
    loop.annotate("ProfilerStep#0", trace::Stage::kStart);
    loop.annotate("ProfilerStep#0", trace::Stage::kEnd);
  }
  for (int step = 0; step < 6; ++step) {
    work(loop, 10);
    loop.annotate("ProfilerStep#0", trace::Stage::kStart);
  }
  const Iterations found = loop.iterations();
  EXPECT_EQ(found.begins.front(), 18U) << "what was annotated earlier is not in it";
  EXPECT_EQ(found.count(), 5U);
}

TEST(Iterations, OnlyThoseBeforeTheMomentCount) {
  Loop loop;
  loop.alloc(5, 512);
  std::vector<uint32_t> starts;
  for (int step = 0; step < 10; ++step) {
    loop.annotate("Optimizer.step#SGD.step", trace::Stage::kStart);
    starts.push_back(loop.entries());
    work(loop, 10);
  }
  EXPECT_EQ(loop.iterations().count(), 9U);
  const Iterations found = loop.iterations(starts[6] + 3);
  EXPECT_EQ(found.begins, std::vector<uint32_t>(starts.begin(), starts.begin() + 7));
  EXPECT_EQ(loop.iterations(starts[3]).source, Iterations::kNone) << "three tell nothing";
  EXPECT_EQ(loop.iterations(0).source, Iterations::kNone);
}

}  // namespace
}  // namespace unfrag::analyze
