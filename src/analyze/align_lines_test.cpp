#include "analyze/align_lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace unfrag::analyze {
namespace {

using Lines = std::vector<CodeLine>;

/// Lines of one function.
Lines lines(std::initializer_list<uint32_t> numbers, uint32_t function = 0) {
  Lines all;
  all.reserve(numbers.size());
  for (const uint32_t number : numbers) all.push_back({number, function});
  return all;
}
Lines operator+(Lines a, const Lines& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::ranges::sort(a);
  return a;
}

/// For each line of `a` the one of `b`, 0 where there is none.
std::vector<uint32_t> aligned(const Lines& a, const Lines& b) {
  std::vector<uint32_t> to(a.size());
  for (const auto& [i, j] : align_lines(a, b)) to[i] = b[j].line;
  return to;
}
using Numbers = std::vector<uint32_t>;

TEST(AlignLines, LeavesAnUnchangedFileAsItIs) {
  EXPECT_EQ(aligned(lines({38, 39, 41}), lines({38, 39, 41})), (Numbers{38, 39, 41}));
}

TEST(AlignLines, DoesNotMoveLinesThatOnlyOneRecordingHasSeen) {
  const Lines a = lines({10, 20, 30, 40, 50});
  EXPECT_EQ(aligned(a, lines({10, 20, 31, 40, 50})), (Numbers{10, 20, 0, 40, 50}));
  EXPECT_EQ(aligned(a, lines({10, 30, 50})), (Numbers{10, 0, 30, 0, 50}));
}

TEST(AlignLines, FollowsAnInsertionAtTheTop) {
  EXPECT_EQ(aligned(lines({38, 39, 40}), lines({39, 40, 41})), (Numbers{39, 40, 41}));
  EXPECT_EQ(aligned(lines({7}), lines({9})), (Numbers{9}));
}

TEST(AlignLines, FollowsAnInsertionInTheMiddle) {
  const Lines a = lines({10, 11, 12, 50, 51, 52}), b = lines({10, 11, 12, 51, 52, 53});
  EXPECT_EQ(aligned(a + lines({80, 90}, 1), b + lines({81, 91}, 1)), (Numbers{10, 11, 12, 51, 52, 53, 81, 91}));
}

TEST(AlignLines, KeepsTheLinesAboveAnEdit) {
  EXPECT_EQ(aligned(lines({37, 38, 39, 41, 42}), lines({37, 38, 40, 41})), (Numbers{37, 38, 0, 40, 41}));
  EXPECT_EQ(aligned(lines({37, 38, 40, 41}), lines({37, 38, 39, 41, 42})), (Numbers{37, 38, 41, 42}));
}

TEST(AlignLines, IsWhatItsHeaderShows) {
  const Lines a = lines({38, 39}) + lines({52}, 1), b = lines({38, 41, 42}) + lines({55}, 1);
  EXPECT_EQ(aligned(a, b), (Numbers{38, 42, 55}));
}

TEST(AlignLines, FollowsSeveralEdits) {
  const Lines a = lines({10, 11, 30, 31, 32, 60, 61, 62}), b = lines({14, 15, 32, 33, 34, 70, 71, 72});
  EXPECT_EQ(aligned(a, b), (Numbers{14, 15, 32, 33, 34, 70, 71, 72}));
}

TEST(AlignLines, NeverGoesToAnotherFunction) {
  EXPECT_EQ(aligned(lines({10}, 1) + lines({20}, 2), lines({10}, 2) + lines({20}, 1)), (Numbers{20, 0}));
  EXPECT_EQ(aligned(lines({10}, 1), lines({10}, 2)), (Numbers{0}));
}

TEST(AlignLines, OfAHugeFileTakesEqualLinesAlone) {
  Lines a, b;
  for (uint32_t i = 0; i < 3000; ++i) {
    a.push_back({2 * i, 0});
    b.push_back({3 * i, 0});
  }
  const auto pairs = align_lines(a, b);
  EXPECT_EQ(pairs.size(), 1000U);
  for (const auto& [i, j] : pairs) EXPECT_EQ(a[i].line, b[j].line);
}

/// The best that any alignment of the rest can be worth, tried out: 4 a line, less 3 a change of distance.
int best_worth(const Lines& a, const Lines& b, size_t i, size_t j, int64_t distance) {
  int best = 0;
  for (size_t x = i; x < a.size(); ++x) {
    for (size_t y = j; y < b.size(); ++y) {
      if (a[x].function != b[y].function) continue;
      const int64_t now = int64_t{b[y].line} - int64_t{a[x].line};
      best = std::max(best, 4 - (now == distance ? 0 : 3) + best_worth(a, b, x + 1, y + 1, now));
    }
  }
  return best;
}

TEST(AlignLines, IsTheBestOfAllAlignments) {
  std::mt19937 generator(7);
  const auto random = [&](uint32_t below) { return static_cast<uint32_t>(generator() % below); };
  const auto some = [&] {
    std::set<CodeLine> all;
    for (uint32_t i = 0; i < 6; ++i) all.insert({random(12), random(2)});
    return Lines(all.begin(), all.end());
  };
  for (int round = 0; round < 300; ++round) {
    const Lines a = some(), b = some();
    int worth = 0;
    int64_t distance = 0;
    size_t next_i = 0, next_j = 0;
    for (const auto& [i, j] : align_lines(a, b)) {
      ASSERT_EQ(a[i].function, b[j].function);
      ASSERT_TRUE(i >= next_i && j >= next_j) << "pairs ascend";
      next_i = i + 1;
      next_j = j + 1;
      const int64_t now = int64_t{b[j].line} - int64_t{a[i].line};
      worth += 4 - (now == distance ? 0 : 3);
      distance = now;
    }
    ASSERT_EQ(worth, best_worth(a, b, 0, 0, 0));
  }
}

}  // namespace
}  // namespace unfrag::analyze
