#include "trace/builder.h"

#include <gtest/gtest.h>

namespace unfrag::trace {
namespace {

TEST(Builder, StoresEachStringOnce) {
  Builder builder;
  const StringIdx a = builder.intern("train.py");
  EXPECT_EQ(builder.intern("train.py"), a);
  EXPECT_NE(builder.intern("model.py"), a);
  EXPECT_EQ(builder.intern(""), kEmptyString);
  EXPECT_EQ(builder.trace.strings[a], "train.py");
}

TEST(Builder, StoresEachStackOnce) {
  Builder builder;
  std::vector<FrameIdx> frames;
  frames.reserve(50);
  for (uint32_t line = 0; line < 50; ++line) {
    frames.push_back(builder.intern(Frame{.name = kEmptyString, .filename = kEmptyString, .line = line}));
  }
  const StackIdx whole = builder.intern(frames);
  EXPECT_EQ(builder.intern(frames), whole);
  for (size_t length = 1; length < frames.size(); ++length) {
    EXPECT_NE(builder.intern(std::span(frames).first(length)), whole);
  }
  EXPECT_EQ(builder.trace.stacks.size(), 51U);
  EXPECT_EQ(builder.intern(std::span<const FrameIdx>()), kEmptyStack);
}

TEST(Builder, KeepsNoTimeColumnForFilesWithoutTimes) {
  Builder builder;
  builder.add_event({.action = Action::kAlloc, .addr = 1, .size = 2});
  EXPECT_TRUE(builder.trace.events.time_us.empty());
  builder.add_event({.action = Action::kAlloc, .addr = 1, .size = 2, .time_us = 7});
  EXPECT_EQ(builder.trace.time_of(0), kNoTime);
  EXPECT_EQ(builder.trace.time_of(1), 7);
}

TEST(Builder, NeedsAtMostFiftyBytesAnEvent) {
  Builder builder;
  constexpr size_t kEvents = 200000;
  for (size_t i = 0; i < kEvents; ++i) {
    builder.add_event({.action = Action::kAlloc, .addr = i, .size = i, .time_us = static_cast<int64_t>(i)});
  }
  EXPECT_LE(builder.trace.events.heap_bytes(), 50 * kEvents);
}

}  // namespace
}  // namespace unfrag::trace
