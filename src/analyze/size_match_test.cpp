#include "analyze/size_match.h"

#include <gtest/gtest.h>

#include <vector>

namespace unfrag::analyze {
namespace {

using Sizes = std::vector<uint64_t>;
using Lives = std::vector<uint32_t>;

std::vector<SizedLife> numbered(const Sizes& sizes) {
  std::vector<SizedLife> lives;
  lives.reserve(sizes.size());
  for (const uint64_t size : sizes) lives.push_back({size, static_cast<uint32_t>(lives.size())});
  return lives;
}

TEST(SizeMatch, FindsAParameterForEachGradient) {
  const SizeMatch match = match_sizes({100, 200, 200}, {}, numbered({200, 100, 200, 7}));
  EXPECT_EQ(match.parameters, (Lives{0, 1, 2}));
  EXPECT_TRUE(match.optimizer_state.empty());
}

TEST(SizeMatch, TakesTheFirstOfEachSizeForTheParameterAndTheRestForState) {
  const SizeMatch match = match_sizes({100, 200}, {}, numbered({100, 200, 100, 100, 200, 200}));
  EXPECT_EQ(match.parameters, (Lives{0, 1}));
  EXPECT_EQ(match.optimizer_state, (Lives{2, 3, 4, 5}));
}

TEST(SizeMatch, KnowsStateInSinglePrecisionBesideHalf) {
  const SizeMatch match = match_sizes({100, 300}, {}, numbered({100, 300, 200, 200, 600, 600}));
  EXPECT_EQ(match.parameters, (Lives{0, 1}));
  EXPECT_EQ(match.optimizer_state, (Lives{2, 3, 4, 5}));
}

TEST(SizeMatch, NeedsNoParameterThatIsKnownAlready) {
  const SizeMatch match = match_sizes({100, 300}, {100, 300}, numbered({100, 300}));
  EXPECT_TRUE(match.parameters.empty());
  EXPECT_EQ(match.optimizer_state, (Lives{0, 1}));
}

TEST(SizeMatch, AllowsOneOrTwoOthersAmongMany) {
  EXPECT_EQ(match_sizes(Sizes(8, 100), {}, numbered(Sizes(10, 100))).parameters.size(), 8U);
  EXPECT_TRUE(match_sizes({100, 100}, {}, numbered(Sizes(20, 100))).parameters.empty());
}

TEST(SizeMatch, SaysNothingWhereTheNumbersDoNotFit) {
  const SizeMatch match = match_sizes({1000, 2000}, {}, numbered({1000, 1000, 2000, 2000, 2000}));
  EXPECT_TRUE(match.parameters.empty());
  EXPECT_TRUE(match_sizes({}, {}, numbered({1})).parameters.empty());
  EXPECT_TRUE(match_sizes({1}, {}, numbered({1})).parameters.empty()) << "one gradient says nothing";
}

}  // namespace
}  // namespace unfrag::analyze
