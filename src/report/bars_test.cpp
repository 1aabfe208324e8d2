#include "report/bars.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"

namespace unfrag::report {
namespace {

TEST(Bar, DividesItsWidthInProportion) {
  EXPECT_EQ(draw_bar(std::vector<BarPart>{{1, "a"}, {1, "b"}}, 10), "aaaaabbbbb");
  EXPECT_EQ(draw_bar(std::vector<BarPart>{{3, "a"}, {1, "b"}}, 8), "aaaaaabb");
  EXPECT_EQ(draw_bar(std::vector<BarPart>{{1, "a"}, {0, "b"}, {1, "c"}}, 4), "aacc");
}

TEST(Bar, GivesTheLastColumnsToTheLargestRemainders) {
  EXPECT_EQ(draw_bar(std::vector<BarPart>{{1, "a"}, {1, "b"}, {1, "c"}}, 10), "aaaabbbccc");
  EXPECT_EQ(draw_bar(std::vector<BarPart>{{10, "a"}, {26, "b"}}, 10), "aaabbbbbbb");
}

TEST(Bar, ShowsWhatIsThereHoweverSmall) {
  EXPECT_EQ(draw_bar(std::vector<BarPart>{{1000000, "a"}, {1, "b"}}, 5), "aaaab");
  EXPECT_EQ(draw_bar(std::vector<BarPart>{{1, "a"}, {1, "b"}, {1000000, "c"}}, 3), "abc");
  EXPECT_EQ(draw_bar(std::vector<BarPart>{{1, "a"}, {1000000, "b"}, {1, "c"}}, 2).size(), 2U);
}

TEST(Bar, IsEmptyWhereAllPartsAreZero) {
  EXPECT_EQ(draw_bar(std::vector<BarPart>{{0, "a"}, {0, "b"}}, 4), "    ");
  EXPECT_EQ(draw_bar({}, 3), "   ");
  EXPECT_EQ(draw_bar({}, 0), "");
}

TEST(Bar, FillsItsWidthExactlyWhateverTheParts) {
  const std::vector<std::string> glyphs = {"█", "▓", "▒", "░", "·", "#", "a", "b"};
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    std::vector<BarPart> parts(random() % 9);
    size_t shown = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      parts[i] = {random() >> random() % 64, glyphs[i % glyphs.size()]};
      if (random() % 4 == 0) parts[i].amount = 0;
      if (random() % 16 == 0) parts[i].amount = UINT64_MAX;
      shown += parts[i].amount > 0 ? 1 : 0;
    }
    const size_t width = random() % 130;
    const std::string bar = draw_bar(parts, width);
    ASSERT_EQ(display_width(bar), width);
    ASSERT_TRUE(shown == 0 || bar.find(' ') == std::string::npos) << "gaps in '" << bar << "'";
    for (const BarPart& part : parts) {
      const bool drawn = bar.find(part.glyph) != std::string::npos;
      ASSERT_TRUE(part.amount > 0 || !drawn) << part.glyph;
      ASSERT_TRUE(part.amount == 0 || drawn || width < shown) << part.glyph;
    }
  }
}

TEST(Sparkline, DrawsTheHighestValueOfEachStretch) {
  const std::vector<uint64_t> values = {0, 8, 0, 4, 0, 2, 0, 0};
  EXPECT_EQ(draw_sparkline(values, 8, 4, /*unicode=*/true), "█▄▂ ");
  EXPECT_EQ(draw_sparkline(values, 8, 8, /*unicode=*/false), " # = :  ");
  EXPECT_EQ(draw_sparkline({}, 8, 3, /*unicode=*/true), "   ");
  EXPECT_EQ(draw_sparkline(values, 0, 2, /*unicode=*/false).size(), 2U);
}

TEST(Sparkline, IsOfItsWidthWhateverTheValues) {
  for (uint32_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    std::vector<uint64_t> values(random() % 300);
    for (uint64_t& value : values) value = random() % 5 == 0 ? 0 : random() >> random() % 64;
    const uint64_t full = values.empty() ? 0 : *std::ranges::max_element(values) / (1 + random() % 2);
    const size_t width = random() % 130;
    ASSERT_EQ(display_width(draw_sparkline(values, full, width, random() % 2 == 0)), width);
  }
}

}  // namespace
}  // namespace unfrag::report
