#include "analyze/size_match.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <optional>

namespace unfrag::analyze {
namespace {

constexpr uint64_t kMostStates = 3;       // tensors an optimizer keeps for each parameter: AMSGrad's three
constexpr double kEnough = 0.95;          // of the bytes expected must be there in the very number expected
constexpr uint64_t kFewestGradients = 2;  // one says nothing
constexpr uint64_t kMostOthers = 2;
constexpr uint64_t kMany = 4;
constexpr double kNotQuite = 0.999;

struct Count {
  uint64_t gradients = 0;
  uint64_t parameters = 0;
  uint64_t candidates = 0;
  uint64_t half_gradients = 0;  // of half the size
  [[nodiscard]] uint64_t missing() const { return gradients - std::min(gradients, parameters); }
};
using Counts = tsl::robin_map<uint64_t, Count>;

/// So many tensors an optimizer keeps for each parameter: of its size, and of twice that.
struct States {
  uint64_t same = 0;
  uint64_t twice = 0;
  [[nodiscard]] uint64_t expected(const Count& count) const {
    return count.missing() + same * count.gradients + twice * count.half_gradients;
  }
};

Counts count_sizes(const std::vector<uint64_t>& gradients, const std::vector<uint64_t>& parameters,
                   const std::vector<SizedLife>& candidates) {
  Counts counts;
  for (const uint64_t size : gradients) {
    ++counts[size].gradients;
    if (size <= UINT64_MAX / 2) ++counts[2 * size].half_gradients;
  }
  for (const uint64_t size : parameters) ++counts[size].parameters;
  for (const SizedLife& one : candidates) ++counts[one.size].candidates;
  return counts;
}

/// Whether as many are there as expected. One or two more among many are something else of the same size: a buffer, a
/// workspace.
bool fits(uint64_t expected, uint64_t there) {
  const uint64_t more = there - std::min(there, expected);
  return there >= expected && more <= kMostOthers && kMany * more <= expected;
}

/// The share of the expected bytes that are there in the number expected; what is beside them counts against it.
double fit(const Counts& counts, const States& states) {
  double expected = 0, found = 0;
  for (const auto& [size, count] : counts) {
    const uint64_t wanted = states.expected(count);
    const double bytes = static_cast<double>(size) * static_cast<double>(wanted);
    expected += bytes;
    if (fits(wanted, count.candidates)) found += wanted == count.candidates ? bytes : kNotQuite * bytes;
  }
  return expected > 0 ? found / expected : 0;
}

std::optional<States> find_states(const Counts& counts) {
  std::optional<States> best;
  double best_fit = kEnough;
  for (uint64_t twice = 0; twice <= kMostStates; ++twice) {
    for (uint64_t same = 0; same <= kMostStates; ++same) {
      const States states{same, twice};
      const double found = fit(counts, states);
      if (found < best_fit) continue;  // of equal ones the one that explains more
      best = states;
      best_fit = found;
    }
  }
  return best;
}

}  // namespace

SizeMatch match_sizes(const std::vector<uint64_t>& gradients, const std::vector<uint64_t>& parameters,
                      const std::vector<SizedLife>& candidates) {
  SizeMatch match;
  if (gradients.size() < kFewestGradients || candidates.empty()) return match;
  const Counts counts = count_sizes(gradients, parameters, candidates);
  const std::optional<States> states = find_states(counts);
  if (!states) return match;
  tsl::robin_map<uint64_t, uint64_t> given;
  for (const SizedLife& one : candidates) {
    const Count& count = counts.find(one.size)->second;
    const uint64_t expected = states->expected(count);
    const uint64_t number = given[one.size]++;
    if (!fits(expected, count.candidates) || number >= expected) continue;
    (number < count.missing() ? match.parameters : match.optimizer_state).push_back(one.life);
  }
  return match;
}

}  // namespace unfrag::analyze
