#include "analyze/gate.h"

#include <gtest/gtest.h>

namespace unfrag::analyze {
namespace {

Metrics with(Metric metric, uint64_t value) {
  Metrics metrics;
  at(metrics, metric) = value;
  return metrics;
}

/// Whether B may have `b` where A has `a`.
bool holds(std::string_view expression, uint64_t a, uint64_t b) {
  const auto gate = parse_gate(expression);
  EXPECT_TRUE(gate) << gate.error().what;
  const auto outcome = check_gate(*gate, with(gate->metric, a), with(gate->metric, b));
  EXPECT_TRUE(outcome) << outcome.error().what;
  EXPECT_EQ(outcome->holds, static_cast<int64_t>(b) <= outcome->limit);
  return outcome->holds;
}

TEST(Gate, OfAPercentageHoldsUpToTheBoundAndNoByteBeyond) {
  EXPECT_TRUE(holds("peak_reserved>+5%", 1000, 1050));
  EXPECT_FALSE(holds("peak_reserved>+5%", 1000, 1051));
  EXPECT_TRUE(holds("peak_reserved>+5%", 1000, 10));
  EXPECT_TRUE(holds("peak_reserved>+0.1%", 1001, 1002));
  EXPECT_FALSE(holds("peak_reserved>+0.1%", 1001, 1003));
  const uint64_t a = (uint64_t{1} << 45) + 100;
  EXPECT_TRUE(holds("peak_reserved>+5%", a, a + a / 20));
  EXPECT_FALSE(holds("peak_reserved>+5%", a, a + a / 20 + 1));
}

TEST(Gate, OfANegativePercentageWantsLess) {
  EXPECT_TRUE(holds("peak_active>-3%", 1000, 970));
  EXPECT_FALSE(holds("peak_active>-3%", 1000, 971));
  EXPECT_TRUE(holds("peak_active>-3%", 1001, 970));  // 970.97
  EXPECT_FALSE(holds("peak_active>-3%", 1001, 971));
}

TEST(Gate, FromNothingAnyGrowthIsTooMuch) {
  EXPECT_TRUE(holds("peak_allocated>+5%", 0, 0));
  EXPECT_FALSE(holds("peak_allocated>+5%", 0, 1));
}

TEST(Gate, OfASizeIsAddedToA) {
  EXPECT_TRUE(holds("now_reserved > +100MiB", 5 << 20, 105 << 20));
  EXPECT_FALSE(holds("now_reserved > +100MiB", 5 << 20, (105 << 20) + 1));
  EXPECT_TRUE(holds("now_reserved_bytes>-1KiB", 1536, 512));
  EXPECT_FALSE(holds("now_reserved_bytes>-1KiB", 512, 0)) << "nothing is below nothing";
}

TEST(Gate, WithoutASignIsABoundOfBAlone) {
  EXPECT_TRUE(holds("peak_reserved>20GiB", 1, uint64_t{20} << 30));
  EXPECT_FALSE(holds("peak_reserved>20GiB", 1, (uint64_t{20} << 30) + 1));
  const auto gate = parse_gate("num_ooms>0");
  ASSERT_TRUE(gate);
  EXPECT_TRUE(check_gate(*gate, Metrics(), with(Metric::kNumOoms, 0))) << "A need not be known";
}

TEST(Gate, CountsWithoutUnits) {
  EXPECT_TRUE(holds("num_ooms>0", 7, 0));
  EXPECT_FALSE(holds("num_ooms>0", 7, 1));
  EXPECT_TRUE(holds("num_device_alloc>+2", 7, 9));
  EXPECT_FALSE(holds("num_device_free>+10%", 10, 12));
}

TEST(Gate, OfAbsurdFiguresDoesNotOverflow) {
  EXPECT_FALSE(holds("peak_reserved>+10000%", 0, UINT64_MAX / 4));
  const auto gate = parse_gate("peak_reserved>+10000%");
  ASSERT_TRUE(gate);
  const auto outcome = check_gate(*gate, with(Metric::kPeakReserved, UINT64_MAX), with(Metric::kPeakReserved, 5));
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->holds);
}

TEST(Gate, KeepsWhatWasTyped) {
  const auto gate = parse_gate("  peak_reserved > + 5 % ");
  ASSERT_TRUE(gate);
  EXPECT_EQ(gate->expression, "peak_reserved > + 5 %");
  EXPECT_EQ(gate->bound, Gate::Bound::kPercentOfA);
  EXPECT_EQ(gate->amount, 5'000'000);
}

TEST(Gate, OfAnotherFormIsRefused) {
  for (const char* wrong : {"",
                            "peak_reserved",
                            "peak_reserved<5%",
                            "peak_reserved>",
                            "peak_reserved>+",
                            ">5%",
                            "peak>+5%",
                            "peak_reserved>5%",
                            "peak_reserved>+5%%",
                            "peak_reserved>+-5%",
                            "peak_reserved>=5GiB",
                            "peak_reserved>+%",
                            "peak_reserved>+5 apples",
                            "peak_reserved>+1.5.2%",
                            "peak_reserved>+5.%",
                            "peak_reserved>+.5%",
                            "peak_reserved>+0.0000001%",
                            "peak_reserved>+10001%",
                            "num_ooms>1MiB",
                            "num_ooms>1.5",
                            "num_ooms>+",
                            "num_ooms>99999999999999999999",
                            "peak_reserved>+5%x"}) {
    const auto gate = parse_gate(wrong);
    ASSERT_FALSE(gate) << wrong;
    EXPECT_EQ(gate.error().kind, ErrorKind::kUsage) << wrong;
    EXPECT_FALSE(gate.error().action.empty()) << wrong;
  }
}

TEST(Gate, OfAnUnknownMetricIsAnErrorThatNamesTheSide) {
  const auto gate = parse_gate("peak_reserved>+5%");
  ASSERT_TRUE(gate);
  const auto in_b = check_gate(*gate, with(Metric::kPeakReserved, 1), Metrics());
  ASSERT_FALSE(in_b);
  EXPECT_EQ(in_b.error().where, "B");
  EXPECT_NE(in_b.error().what.find("no trace was recorded"), std::string::npos);
  const auto in_a = check_gate(*gate, Metrics(), with(Metric::kPeakReserved, 1));
  ASSERT_FALSE(in_a);
  EXPECT_EQ(in_a.error().where, "A");
  const auto retries = parse_gate("num_alloc_retries>0");
  ASSERT_TRUE(retries);
  EXPECT_NE(check_gate(*retries, Metrics(), Metrics()).error().what.find("does not count"), std::string::npos);
}

}  // namespace
}  // namespace unfrag::analyze
