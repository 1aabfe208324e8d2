#include "alloc/rounding.h"

#include <gtest/gtest.h>

namespace unfrag::alloc {
namespace {

uint64_t rounded(uint64_t n, uint32_t divisions = 0) {
  RoundingRules rules;
  rules.divisions.fill(divisions);
  return round_size(Bytes(n), rules).value();
}

TEST(Rounding, MultiplesOf512WithoutDivisions) {
  EXPECT_EQ(rounded(1), 512U);
  EXPECT_EQ(rounded(512), 512U);
  EXPECT_EQ(rounded(513), 1024U);
  EXPECT_EQ(rounded(1048577), 1049088U);
  EXPECT_EQ(rounded(1048577, 1), 1049088U);
}

TEST(Rounding, DivisionsOfFourSplitEachPowerOfTwoIntoFour) {
  EXPECT_EQ(rounded(1200, 4), 1536U);
  EXPECT_EQ(rounded(2048, 4), 2048U);
  EXPECT_EQ(rounded(2049, 4), 2560U);
  EXPECT_EQ(rounded(3000, 4), 3072U);
  EXPECT_EQ(rounded((6 << 20) + 1, 4), 7340032U);
  EXPECT_EQ(rounded((100 << 20) + 1, 4), 117440512U);
}

TEST(Rounding, DivisionsOfEight) {
  EXPECT_EQ(rounded(4097, 8), 4608U);
  EXPECT_EQ(rounded(5000, 8), 5120U);
  EXPECT_EQ(rounded(1048577, 8), 1179648U);
  EXPECT_EQ(rounded((100 << 20) + 1, 8), 109051904U);
}

TEST(Rounding, TheSlotOfASizeChoosesItsDivisions) {
  RoundingRules rules;
  rules.divisions[1] = 4;  // [2 MiB, 4 MiB)
  EXPECT_EQ(round_size(Bytes((3 << 20) + 1), rules), Bytes((3 << 20) + (1 << 19)));
  EXPECT_EQ(round_size(Bytes((5 << 20) + 1), rules), Bytes((5 << 20) + 512));
}

TEST(Rounding, HostRequestsBecomePowersOfTwo) {
  EXPECT_EQ(round_host_size(1000000_B), Bytes(1 << 20));
  EXPECT_EQ(round_host_size(1_MiB), 1_MiB);
}

}  // namespace
}  // namespace unfrag::alloc
