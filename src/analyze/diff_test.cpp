#include "analyze/diff.h"

#include <gtest/gtest.h>

#include <string_view>

#include "trace/builder.h"

namespace unfrag::analyze {
namespace {

/// Two sides whose holders are made by hand.
class DiffTest : public testing::Test {
 protected:
  struct Recording {
    trace::Builder builder;
    DiffSide side;

    Holder& add(std::string_view file, uint32_t line, std::string_view function, uint64_t peak, uint64_t now = 0) {
      Holder holder = held(peak, now);
      holder.frame = builder.intern(
          trace::Frame{.name = builder.intern(function), .filename = builder.intern(file), .line = line});
      holder.origin = Origin::kUser;
      return side.holders.emplace_back(holder);
    }
    Holder& add_without_stack(uint64_t peak) { return side.holders.emplace_back(held(peak, 0)); }
    static Holder held(uint64_t peak, uint64_t now) {
      return {
          .now = {Bytes(now), now > 0 ? 1U : 0U}, .at = {}, .at_peak = {Bytes(peak), peak > 0 ? 1U : 0U}, .frame = {}};
    }
  };

  Diff diff(bool knows_peak = true) {
    for (Recording* recording : {&a_, &b_}) {
      recording->side.trace = &recording->builder.trace;
      if (knows_peak) at(recording->side.metrics, Metric::kPeakAllocated) = 1;
    }
    return compare(a_.side, b_.side);
  }

  Recording a_, b_;
};

TEST_F(DiffTest, TellsWhatGrewWhatShrankAndWhatStayed) {
  a_.add("t.py", 10, "f", 100), b_.add("t.py", 10, "f", 130);
  a_.add("t.py", 20, "f", 100), b_.add("t.py", 20, "f", 300);
  a_.add("t.py", 30, "f", 100), b_.add("t.py", 30, "f", 60);
  a_.add("t.py", 40, "f", 7), b_.add("t.py", 40, "f", 7);
  const Diff d = diff();
  ASSERT_TRUE(d.peak);
  ASSERT_EQ(d.peak->grew.size(), 2U);
  EXPECT_EQ(d.peak->grew[0].change(), 200);
  EXPECT_EQ(d.peak->grew[1].change(), 30);
  ASSERT_EQ(d.peak->shrank.size(), 1U);
  EXPECT_EQ(d.peak->shrank[0].change(), -40);
  EXPECT_EQ(d.peak->same, 1U);
  EXPECT_EQ(d.peak->same_a.bytes, 7_B);
  EXPECT_EQ(d.peak->a.bytes, 307_B);
  EXPECT_EQ(d.peak->b.bytes, 497_B);
  EXPECT_TRUE(d.end.grew.empty());
  EXPECT_EQ(d.end.same, 0U) << "what holds nothing on either side is not counted";
}

TEST_F(DiffTest, TakesEachMomentForItself) {
  a_.add("t.py", 10, "f", 100, 5), b_.add("t.py", 10, "f", 50, 9);
  const Diff d = diff();
  EXPECT_EQ(d.peak->shrank[0].change(), -50);
  EXPECT_EQ(d.end.grew[0].change(), 4);
}

TEST_F(DiffTest, HasHoldersThatOnlyOneSideKnows) {
  a_.add("old.py", 10, "f", 100);
  b_.add("new.py", 10, "g", 120);
  const Diff d = diff();
  ASSERT_EQ(d.peak->grew.size(), 1U);
  EXPECT_EQ(d.peak->grew[0].in_a, nullptr);
  EXPECT_EQ(d.peak->grew[0].change(), 120);
  ASSERT_EQ(d.peak->shrank.size(), 1U);
  EXPECT_EQ(d.peak->shrank[0].in_b, nullptr);
  EXPECT_EQ(d.peak->shrank[0].change(), -100);
}

TEST_F(DiffTest, KnowsALineThatMoved) {
  a_.add("/a/t.py", 10, "f", 100), b_.add("/a/t.py", 13, "f", 130);
  a_.add("/a/u.py", 10, "g", 100), b_.add("/b/u.py", 10, "g", 101);
  a_.add("/a/v.py", 10, "h", 100), b_.add("/a/v.py", 10, "h", 102);
  const Diff d = diff();
  ASSERT_EQ(d.peak->grew.size(), 3U);
  EXPECT_TRUE(d.peak->grew[0].moved) << "down by three lines";
  EXPECT_FALSE(d.peak->grew[1].moved);
  EXPECT_TRUE(d.peak->grew[2].moved) << "into another folder";
  EXPECT_EQ(d.peak->grew[0].change(), 30);
}

TEST_F(DiffTest, JoinsTheLinesOfAFunctionThatAreLeftOverOnBothSides) {
  for (uint32_t line = 10; line < 90; line += 10) a_.add("t.py", line, "f", 1), b_.add("t.py", line, "f", 1);
  a_.add("t.py", 41, "f", 100), b_.add("t.py", 44, "f", 110);
  b_.add("t.py", 47, "f", 5);
  const Diff d = diff();
  ASSERT_EQ(d.peak->grew.size(), 2U);
  EXPECT_EQ(d.peak->grew[0].change(), 10);
  EXPECT_TRUE(d.peak->grew[0].moved);
  EXPECT_EQ(d.peak->grew[1].in_a, nullptr);
  EXPECT_TRUE(d.peak->shrank.empty());
  EXPECT_EQ(d.peak->same, 8U);
}

TEST_F(DiffTest, CountsCPlusPlusByFunction) {
  for (const uint32_t line : {1U, 2U}) a_.add("x.cpp", line, "at::empty", 50).origin = Origin::kNative;
  b_.add("y.cpp", 7, "at::empty", 130).origin = Origin::kNative;
  const Diff d = diff();
  ASSERT_EQ(d.peak->grew.size(), 1U);
  EXPECT_EQ(d.peak->grew[0].a.bytes, 100_B);
  EXPECT_EQ(d.peak->grew[0].change(), 30);
  EXPECT_FALSE(d.peak->grew[0].moved);
}

TEST_F(DiffTest, KeepsWhatHasNoStackAndWhatIsOutsideApart) {
  a_.add_without_stack(10), b_.add_without_stack(30);
  a_.add_without_stack(5).outside = true, b_.add_without_stack(4).outside = true;
  const Diff d = diff();
  ASSERT_EQ(d.peak->grew.size(), 1U);
  EXPECT_EQ(d.peak->grew[0].change(), 20);
  ASSERT_EQ(d.peak->shrank.size(), 1U);
  EXPECT_TRUE(d.peak->shrank[0].in_b->outside);
}

TEST_F(DiffTest, HasNoPeakWhereASideDoesNotKnowIt) {
  a_.add("t.py", 10, "f", 100, 5), b_.add("t.py", 10, "f", 50, 9);
  const Diff d = diff(false);
  EXPECT_FALSE(d.peak);
  EXPECT_EQ(d.end.grew[0].change(), 4);
  EXPECT_FALSE(d.change(Metric::kPeakAllocated));
}

TEST_F(DiffTest, StaysRightWhereItIsMoved) {
  a_.add("t.py", 10, "f", 100), b_.add("t.py", 10, "f", 130);
  Diff first = diff();
  const Diff second = std::move(first);
  ASSERT_TRUE(second.peak);
  EXPECT_EQ(second.peak->grew[0].in_a, second.a.holders.data());
  EXPECT_EQ(second.peak->grew[0].in_b->at_peak.bytes, 130_B);
}

}  // namespace
}  // namespace unfrag::analyze
