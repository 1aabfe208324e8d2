#include "ingest/printed_size.h"

#include <gtest/gtest.h>

namespace unfrag::ingest {
namespace {

TEST(PrintedSize, IsARangeOfHalfAHundredthEitherWay) {
  const auto found = size_at("13.99GiBx", 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size.text, "13.99 GiB");
  EXPECT_EQ(found->end, 8u);
  EXPECT_EQ(found->size.value, 15'021'648'118u);
  EXPECT_EQ(found->size.low, 15'016'279'409u);
  EXPECT_EQ(found->size.high, 15'027'016'826u);
}

TEST(PrintedSize, OfPlainBytesIsExact) {
  const auto found = size_at("512bytes", 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size.low, 512u);
  EXPECT_EQ(found->size.high, 512u);
}

TEST(PrintedSize, LiesInItsRangeEvenAsAFractionOfAByte) {
  const auto found = size_at("0.5bytes", 0);
  ASSERT_TRUE(found);
  EXPECT_LE(found->size.low, found->size.value);
  EXPECT_LE(found->size.value, found->size.high);
}

TEST(PrintedSize, NeverGoesBelowZero) {
  const auto found = size_at("0.00MiB", 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size.low, 0u);
  EXPECT_EQ(found->size.high, 5242u);
}

TEST(PrintedSize, IsFoundBackwardsBehindOtherNumbersAndPoints) {
  const std::string_view text = "isfree.6.00GiBallowed";
  const auto found = size_before(text, text.find("allowed"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size.text, "6.00 GiB");
  EXPECT_EQ(found->begin, 7u);
}

TEST(PrintedSize, IsNotFoundWhereThereIsNone) {
  EXPECT_FALSE(size_before("GPU0hasa", 8));
  EXPECT_FALSE(size_before("", 0));
  EXPECT_FALSE(size_before("12.34.", 6));
  EXPECT_FALSE(size_at("12.GiB", 0));
  EXPECT_FALSE(size_at("12.3456GiB", 0));
  EXPECT_FALSE(size_at("12parsecs", 0));
  EXPECT_FALSE(size_at("1234567890123456789012345GiB", 0));
  EXPECT_FALSE(size_at("1", 7));
}

TEST(PrintedSize, OfTheDriversNotAvailableIsNoSize) {
  const auto found = size_at("17179869184.00GiB", 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size.value, kNoSize);
}

}  // namespace
}  // namespace unfrag::ingest
