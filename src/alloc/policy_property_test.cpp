// CachingPolicy against the model, in random programs over settings and releases.
//
// UNFRAG_TEST_ALL=1 runs more of them, UNFRAG_SEED=N only that seed of every combination.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "alloc/lockstep_for_tests.h"

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

/// A random program: what it does next depends on the seed and on what it has been given.
class Program {
 public:
  Program(Lockstep& pair, uint64_t seed) : pair_(pair), random_(seed) {
    for (uint64_t& size : sizes_) size = some_size();
  }

  /// Where the two part, if they do.
  std::optional<std::string> run(int steps) {
    for (int step = 0; step < steps && !pair_.difference(); ++step) {
      do_something();
      if (step % 24 == 23 || step + 1 == steps) pair_.compare_blocks();
      if (pair_.difference()) return "step " + std::to_string(step) + ": " + *pair_.difference();
    }
    return pair_.difference();
  }

 private:
  void do_something() {
    const uint64_t what = random_.below(100);
    if (what < 44) {
      allocate();
    } else if (what < 80) {
      if (!pair_.handed_out().empty()) pair_.free(random_.below(pair_.handed_out().size()));
    } else if (what < 88) {
      if (!pair_.handed_out().empty()) pair_.record_stream(random_.below(pair_.handed_out().size()), some_stream());
    } else if (what < 92) {
      if (!pair_.events().empty()) pair_.complete(random_.below(pair_.events().size()));
    } else if (what < 95) {
      pair_.set_scope(random_.one_in(2) ? Scope::kNone : random_.one_in(2) ? Scope::kMemPool : Scope::kCapture);
    } else if (what < 97) {
      pair_.empty_cache();
    } else {
      change_pools();
    }
  }
  void allocate() {
    const PoolIdx pool = pools_.empty() || random_.one_in(2) ? kDefaultPool : pools_[random_.below(pools_.size())];
    const uint64_t size = random_.one_in(4) ? some_size() : sizes_[random_.below(sizes_.size())];
    pair_.allocate(Bytes(size), some_stream(), pool);
  }
  void change_pools() {
    if (pair_.pools() < 5) {
      pools_.push_back(pair_.create_pool(
          {.no_split = random_.one_in(4), .use_on_oom = random_.one_in(2), .custom_allocator = random_.one_in(3)}));
      return;
    }
    if (pools_.empty()) return;
    const size_t at = random_.below(pools_.size());
    const PoolIdx pool = pools_[at];
    pools_.erase(pools_.begin() + static_cast<ptrdiff_t>(at));
    if (random_.one_in(2) || pair_.in_capture()) {
      pair_.retire_pool(pool);
    } else {
      pair_.release_pool(pool);
    }
  }

  StreamId some_stream() {
    static constexpr std::array<StreamId, 5> kStreams = {0, 0, 0, 7, -3};
    return kStreams[random_.below(kStreams.size())];
  }
  // Small and large, at and beside the sizes where the rules change.
  uint64_t some_size() {
    static constexpr std::array<uint64_t, 9> kEdges = {512,      4096,     1 << 20,  2 << 20, 10 << 20,
                                                       20 << 20, 24 << 20, 32 << 20, 48 << 20};
    switch (random_.below(7)) {
      case 0: return random_.between(1, 3000);
      case 1: return random_.between(1, 1 << 20);
      case 2:
      case 3: return random_.between(1 << 20, 10 << 20);
      case 4: return random_.between(10 << 20, 70 << 20);
      case 5: return kEdges[random_.below(kEdges.size())] + random_.below(3) * 511 - 511;
      default:
        return random_.one_in(20) ? uint64_t{1} << (random_.one_in(2) ? 60 : 59)
                                  : random_.between(1, uint64_t{400} << random_.below(21));
    }
  }

  Lockstep& pair_;
  Random random_;
  std::array<uint64_t, 10> sizes_{};
  std::vector<PoolIdx> pools_;
};

DeviceScript script_for(uint64_t seed) {
  DeviceScript script{.seed = seed, .capacity = Bytes(((200 + seed * 37 % 320) << 20))};
  if (seed % 4 == 1) script.refuses_one_in = 5;
  if (seed % 4 == 2) script.reclaims_one_in = 2;
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
      const auto difference = Program(pair, seed).run(all ? 1000 : 500);
      ASSERT_FALSE(difference) << "UNFRAG_SEED=" << seed << ", PyTorch " << version.major << '.' << version.minor
                               << ", " << *difference;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, PolicyProperty, ::testing::ValuesIn(combinations()),
                         [](const auto& combination) { return combination.param.name; });

}  // namespace
}  // namespace unfrag::alloc
