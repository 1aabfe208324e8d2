// A device that refuses one call, each in turn: whatever it was that failed, the policy's state stays whole, it does as
// the model does, and in the end everything can be given back.
#include <gtest/gtest.h>

#include <string>

#include "alloc/random_program_for_tests.h"

namespace unfrag::alloc {
namespace {

constexpr int kSteps = 120;

Config config_with(const Settings& settings, Version version) {
  return {.settings = settings, .rules = rules_of(version), .device_total = 1_GiB};
}

// How many calls of the program can be refused.
uint64_t calls_of(const Config& config, uint64_t seed) {
  Lockstep pair(config, {.seed = seed});
  EXPECT_EQ(RandomProgram(pair, seed).run(kSteps), std::nullopt);
  return pair.asked();
}

void refuse_each_call(const Settings& settings) {
  for (const Version version : {Version{2, 9}, Version{2, 15}}) {
    const Config config = config_with(settings, version);
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      const uint64_t calls = calls_of(config, seed);
      ASSERT_GT(calls, 10U);
      for (uint64_t nth = 0; nth < calls; ++nth) {
        Lockstep pair(config, {.seed = seed, .refuses_nth = nth});
        const auto difference = RandomProgram(pair, seed).run(kSteps);
        ASSERT_FALSE(difference) << "seed " << seed << ", call " << nth << " refused: " << *difference;
      }
    }
  }
}

TEST(PolicyRefusal, AnyCallMayFailWithPlainSegments) { refuse_each_call({}); }

TEST(PolicyRefusal, AnyCallMayFailWithExpandableSegments) { refuse_each_call({.expandable_segments = true}); }

TEST(PolicyRefusal, AnyCallMayFailWithASplitLimit) {
  refuse_each_call({.max_split_size = 20_MiB, .max_non_split_rounding = 30_MiB});
}

TEST(PolicyRefusal, AnyCallMayFailWithASplitLimitAndExpandableSegments) {
  refuse_each_call({.expandable_segments = true, .max_split_size = 20_MiB});
}

// A request that takes several steps of mapping: the pages of those that worked stay, and serve what comes next.
TEST(PolicyRefusal, AStepOfMappingMayFailAndTheNextRequestIsServed) {
  const Config config = config_with({.expandable_segments = true}, kNewest);
  Lockstep pair(config, {.seed = 1, .refuses_nth = 5});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pair.allocate(20_MiB, 0, kDefaultPool));  // reserves, maps three pages
  pair.free(0);
  pair.empty_cache();
  while (!pair.handed_out().empty()) pair.free(0);
  pair.set_scope(Scope::kCapture);                       // so that it is not tried again
  EXPECT_FALSE(pair.allocate(80_MiB, 0, kDefaultPool));  // the first page works, the fifth is refused
  EXPECT_TRUE(pair.allocate(60_MiB, 0, kDefaultPool));
  pair.compare_blocks();
  EXPECT_EQ(pair.difference(), std::nullopt);
  EXPECT_EQ(pair.policy().statistics().reserved.current, 60_MiB);
}

}  // namespace
}  // namespace unfrag::alloc
