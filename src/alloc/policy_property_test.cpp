// CachingPolicy against the model, in random programs over settings and releases.
//
// UNFRAG_TEST_ALL=1 runs more of them, UNFRAG_SEED=N only that seed of every combination.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "alloc/random_program_for_tests.h"

namespace unfrag::alloc {
namespace {

struct Combination {
  std::string name;
  Config config;
};
void PrintTo(const Combination& combination, std::ostream* out) { *out << combination.name; }

Config config_with(const Settings& settings, std::optional<Bytes> limit = std::nullopt) {
  return {.settings = settings, .rules = {}, .device_total = 512_MiB, .limit = limit};
}

std::vector<Combination> combinations() {
  RoundingRules fours;
  fours.divisions.fill(4);
  RoundingRules mixed;
  mixed.divisions = {8, 8, 0, 2, 16, 1, 4};
  return {
      {"Default", config_with({})},
      {"Expandable", config_with({.expandable_segments = true})},
      {"ExpandableWithin300MiB", config_with({.expandable_segments = true}, 300_MiB)},
      {"SplitBelow20", config_with({.max_split_size = 20_MiB})},
      {"SplitBelow32", config_with({.max_split_size = 32_MiB, .max_non_split_rounding = 21_MiB}, 350_MiB)},
      {"SplitBelow20Expandable", config_with({.expandable_segments = true, .max_split_size = 20_MiB})},
      {"Collects", config_with({.garbage_collection_threshold = 0.4}, 300_MiB)},
      {"CollectsSoonAndSplitsBelow24",
       config_with({.max_split_size = 24_MiB, .garbage_collection_threshold = 0.1}, 300_MiB)},
      {"CollectsExpandable", config_with({.expandable_segments = true, .garbage_collection_threshold = 0.3}, 280_MiB)},
      {"RoundsToFourths", config_with({.rounding = fours})},
      {"RoundsMixedExpandable", config_with({.expandable_segments = true, .rounding = mixed})},
      {"Segments48", config_with({.max_non_split_rounding = 48_MiB, .large_segment_size = 48_MiB})},
      {"Segments11Expandable",
       config_with({.expandable_segments = true, .max_non_split_rounding = 11_MiB, .large_segment_size = 11_MiB})},
      {"Rejects", config_with({.throw_on_cudamalloc_oom = true})},
      {"ReservesLittle", config_with({.expandable_segments = true, .reserve_bytes = 1_GiB})},
      {"ReservesATenth", config_with({.expandable_segments = true, .reserve_fraction = 0.1})},
  };
}

const std::vector<Version>& versions() {
  static const std::vector<Version> all = {{2, 6}, {2, 9}, {2, 10}, {2, 11}, {2, 12}, {2, 13}, {2, 15}};
  return all;
}

DeviceScript script_for(uint64_t seed) {
  DeviceScript script{.seed = seed, .capacity = Bytes(((200 + seed * 37 % 320) << 20))};
  if (seed % 4 == 1) script.refuses_one_in = 5;
  return script;
}

class PolicyProperty : public ::testing::TestWithParam<Combination> {};

TEST_P(PolicyProperty, PolicyAndModelCannotBeToldApart) {
  const bool all = std::getenv("UNFRAG_TEST_ALL") != nullptr;
  const char* const one = std::getenv("UNFRAG_SEED");
  const uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const uint64_t last = one != nullptr ? first : all ? 400 : 16;
  for (const Version version : versions()) {
    for (uint64_t seed = first; seed <= last; ++seed) {
      Config config = GetParam().config;
      config.rules = rules_of(version);
      Lockstep pair(config, script_for(seed));
      const auto difference = RandomProgram(pair, seed).run(all ? 1000 : 500);
      ASSERT_FALSE(difference) << "UNFRAG_SEED=" << seed << ", PyTorch " << version.major << '.' << version.minor
                               << ", " << *difference;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, PolicyProperty, ::testing::ValuesIn(combinations()),
                         [](const auto& combination) { return combination.param.name; });

}  // namespace
}  // namespace unfrag::alloc
