#include "report/axis.h"

#include <gtest/gtest.h>

namespace unfrag::report {
namespace {

TEST(SizeStep, IsAPowerOfTwoThatGivesFewTicks) {
  EXPECT_EQ(size_step(3_GiB, 5), 1_GiB);
  EXPECT_EQ(size_step(1_B, 5), 1_B);
  for (uint64_t full = 1; full < uint64_t{1} << 62; full = full * 3 + 1) {
    const uint64_t ticks = full / size_step(Bytes(full), 5).value();
    EXPECT_LE(ticks, 5U) << full;
    EXPECT_GE(ticks, full < 5 ? 1U : 2U) << full;
  }
  EXPECT_EQ(size_step(Bytes(UINT64_MAX), 5), Bytes(uint64_t{1} << 62));
}

TEST(CountStep, IsARoundNumberThatGivesFewTicks) {
  EXPECT_EQ(count_step(0, 8), 1U);
  EXPECT_EQ(count_step(8, 8), 1U);
  EXPECT_EQ(count_step(9, 8), 2U);
  EXPECT_EQ(count_step(19136, 8), 5000U);
  EXPECT_EQ(count_step(UINT32_MAX, 8), 500000000U);
}

TEST(SizeTick, LeavesOutZerosThatSayNothing) {
  EXPECT_EQ(size_tick(0_B), "0");
  EXPECT_EQ(size_tick(512_B), "512 B");
  EXPECT_EQ(size_tick(100_MiB), "100 MiB");
  EXPECT_EQ(size_tick(1536_MiB), "1.5 GiB");
  EXPECT_EQ(size_tick(1280_MiB), "1.25 GiB");
}

}  // namespace
}  // namespace unfrag::report
