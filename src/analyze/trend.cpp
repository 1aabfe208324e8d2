#include "analyze/trend.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

namespace unfrag::analyze {
namespace {

constexpr size_t kFew = 6;   // points: then it must rise at each of them
constexpr size_t kMany = 8;  // rises: from here on chance may set their distances

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Between neighbouring rises.
struct Distances {
  double mean = 0;
  double longest = 0;
};
Distances distances_of(std::span<const uint32_t> rises) {
  Distances distances;
  for (size_t i = 1; i < rises.size(); ++i) {
    distances.longest = std::max(distances.longest, static_cast<double>(rises[i] - rises[i - 1]));
  }
  distances.mean = static_cast<double>(rises.back() - rises.front()) / static_cast<double>(rises.size() - 1);
  return distances;
}

/// Pairs of values of which the later is larger, less those of which it is smaller. `sorted`: the values in order.
double rising_less_falling(std::span<const double> values, const std::vector<double>& sorted) {
  std::vector<int64_t> tree(sorted.size() + 1);  // Fenwick's: how many of the earlier ones rank so
  const auto before = [&](size_t rank) {
    int64_t count = 0;
    for (; rank > 0; rank &= rank - 1) count += tree[rank];
    return count;
  };
  int64_t pairs = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto [low, high] = std::ranges::equal_range(sorted, values[i]);
    const auto smaller = static_cast<size_t>(low - sorted.begin());
    const auto not_larger = static_cast<size_t>(high - sorted.begin());
    pairs += before(smaller) - (static_cast<int64_t>(i) - before(not_larger));
    for (size_t rank = smaller + 1; rank < tree.size(); rank += rank & (~rank + 1)) ++tree[rank];
  }
  return static_cast<double>(pairs);
}

}  // namespace

bool keeps_coming(std::span<const uint32_t> rises, size_t points, size_t fewest) {
  if (points <= kFew) return points >= 4 && rises.size() + 1 == points;
  if (rises.size() < fewest || rises.size() < 3) return false;
  const Distances distances = distances_of(rises);
  const double rest = static_cast<double>(points - 1 - rises.back());
  if (rises.size() < kMany) {
    return distances.longest <= 1.5 * distances.mean && rest <= 1.5 * distances.longest &&
           rises.front() <= 1.5 * distances.longest;
  }
  const bool even = distances.longest <= std::max(5 * distances.mean, distances.mean + 3);
  return even && rest <= 1.5 * distances.longest + 1 && 2 * size_t{rises.front()} <= points;
}

bool comes_from_the_start(std::span<const uint32_t> rises, size_t points) {
  if (rises.size() < 2 || points <= kFew) return true;
  return rises.front() <= 1.5 * distances_of(rises).longest + 1;
}

bool rises_with(std::span<const double> held, std::span<const double> kept, std::span<const uint32_t> rises) {
  const size_t points = held.size();
  if (points <= kFew) return std::ranges::adjacent_find(held, std::greater_equal<>()) == held.end();
  const auto gain = [&](std::span<const double> values, size_t from, size_t to) {  // between quarters
    const size_t quarter = points / 4;
    return mean(values.last((4 - to) * quarter).first(quarter)) - mean(values.subspan(from * quarter, quarter));
  };
  const double all = gain(held, 0, 3), late = gain(held, 2, 3);
  if (all <= 0 || all < 0.5 * gain(kept, 0, 3) || late < 0.1 * all || late < 0.5 * gain(kept, 2, 3)) return false;
  const auto since_highest = static_cast<double>(held.end() - std::ranges::max_element(held) - 1);
  const double usual = rises.size() < 2 ? 0 : 1.5 * distances_of(rises).longest + 1;
  return since_highest <= std::max(static_cast<double>(points) / 4, usual);
}

double deepest_fall(std::span<const double> values) {
  double highest = values.empty() ? 0 : values.front();
  double deepest = 0;
  for (const double value : values) {
    highest = std::max(highest, value);
    deepest = std::max(deepest, highest - value);
  }
  return deepest;
}

double slope_of(std::span<const double> values) {
  const double middle = static_cast<double>(values.size() - 1) / 2;
  const double level = mean(values);
  double products = 0, squares = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double x = static_cast<double>(i) - middle;
    products += x * (values[i] - level);
    squares += x * x;
  }
  return products / squares;
}

// Source: Mann (1945), Kendall (1975): S counts pairs that rise less pairs that fall; normal with ties and continuity
// corrected, which is near enough from 4 points on.
double confidence_of_rise(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const auto term = [](double count) { return count * (count - 1) * (2 * count + 5); };
  double variance = term(static_cast<double>(values.size()));
  for (auto tie = sorted.begin(); tie != sorted.end();) {
    const auto end = std::upper_bound(tie, sorted.end(), *tie);
    variance -= term(static_cast<double>(end - tie));
    tie = end;
  }
  const double pairs = rising_less_falling(values, sorted);
  if (variance <= 0 || pairs <= 0) return 0;
  const double z = (pairs - 1) / std::sqrt(variance / 18);
  return 0.5 * std::erfc(-z / std::sqrt(2.0));
}

}  // namespace unfrag::analyze
