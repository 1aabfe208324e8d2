#include "analyze/trend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <vector>

namespace unfrag::analyze {
namespace {

std::vector<uint32_t> every(uint32_t step, uint32_t from, uint32_t to) {
  std::vector<uint32_t> points;
  for (uint32_t i = from; i < to; i += step) points.push_back(i);
  return points;
}

TEST(Trend, KeepsComingEveryTimeOrEverySoOften) {
  EXPECT_TRUE(keeps_coming(every(1, 1, 50), 50, 3));
  EXPECT_TRUE(keeps_coming(every(10, 10, 50), 50, 3));
  EXPECT_FALSE(keeps_coming(every(20, 10, 50), 50, 3)) << "twice is no habit";
}

TEST(Trend, WithFewPointsMustRiseAtEach) {
  EXPECT_TRUE(keeps_coming(every(1, 1, 4), 4, 3));
  EXPECT_FALSE(keeps_coming(every(1, 1, 3), 3, 2)) << "too few points";
  EXPECT_FALSE(keeps_coming(std::vector<uint32_t>{1, 2, 4}, 5, 3));
}

TEST(Trend, WhatFillsAndStaysFullDoesNotKeepComing) {
  EXPECT_FALSE(keeps_coming(every(1, 1, 20), 50, 3));
  EXPECT_FALSE(keeps_coming(every(1, 1, 46), 50, 3));
}

TEST(Trend, MayBeginInTheFirstHalf) {
  EXPECT_TRUE(keeps_coming(every(1, 20, 50), 50, 3));
  EXPECT_FALSE(comes_from_the_start(every(1, 20, 50), 50));
  EXPECT_TRUE(comes_from_the_start(every(5, 5, 50), 50));
  EXPECT_FALSE(keeps_coming(every(1, 30, 50), 50, 3));
}

TEST(Trend, AFullBufferThatReplacesWhatItHasDoesNotRise) {
  std::vector<double> kept(40), full(40, 20.0), rising(40);
  std::iota(kept.begin(), kept.end(), 0.0);
  std::iota(rising.begin(), rising.end(), 20.0);
  const auto rises = every(1, 1, 40);
  EXPECT_TRUE(rises_with(rising, kept, rises));
  EXPECT_FALSE(rises_with(full, kept, rises));
  for (size_t i = 0; i < rising.size(); ++i) rising[i] = std::min(rising[i], 44.0);  // full after 24
  EXPECT_FALSE(rises_with(rising, kept, rises));
}

TEST(Trend, MeasuresTheDeepestFall) {
  EXPECT_EQ(deepest_fall(std::vector<double>{1, 2, 3}), 0);
  EXPECT_EQ(deepest_fall(std::vector<double>{1, 5, 2, 4, 1, 9}), 4);
}

TEST(Trend, FitsALine) {
  EXPECT_DOUBLE_EQ(slope_of(std::vector<double>{100, 612, 1124, 1636}), 512);
  EXPECT_DOUBLE_EQ(slope_of(std::vector<double>{7, 7, 7}), 0);
}

// Known values: for 4 and 5 points that all rise S is 6 and 10, the variance 26/3 and 50/3.
TEST(Trend, KnowsHowSureARiseIs) {
  EXPECT_NEAR(confidence_of_rise(std::vector<double>{1, 2, 3, 4}), 0.9553, 1e-4);
  EXPECT_NEAR(confidence_of_rise(std::vector<double>{1, 2, 3, 4, 5}), 0.9863, 1e-4);
  EXPECT_EQ(confidence_of_rise(std::vector<double>{4, 4, 4, 4}), 0);
  EXPECT_EQ(confidence_of_rise(std::vector<double>{4, 3, 2, 1}), 0);
  EXPECT_LT(confidence_of_rise(std::vector<double>{1, 3, 2, 4, 2, 3, 1, 3}), 0.8);
}

TEST(Trend, CountsPairsAsTheDefinitionDoes) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values(4 + random() % 40);
    for (double& value : values) value = static_cast<double>(random() % 12);
    std::map<double, double> ties;
    double pairs = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      ++ties[values[i]];
      for (size_t j = i + 1; j < values.size(); ++j) pairs += (values[j] > values[i]) - (values[j] < values[i]);
    }
    const auto n = static_cast<double>(values.size());
    double variance = n * (n - 1) * (2 * n + 5);
    for (const auto& [value, count] : ties) variance -= count * (count - 1) * (2 * count + 5);
    const double z = (pairs - 1) / std::sqrt(variance / 18);
    const double expected = pairs > 0 && variance > 0 ? 0.5 * std::erfc(-z / std::sqrt(2.0)) : 0;
    EXPECT_NEAR(confidence_of_rise(values), expected, 1e-12);
  }
}

}  // namespace
}  // namespace unfrag::analyze
