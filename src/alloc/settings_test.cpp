// PYTORCH_CUDA_ALLOC_CONF as text and as values: every key, what each release takes, and back again.
#include "alloc/settings.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "alloc/device_for_tests.h"

namespace unfrag::alloc {
namespace {

constexpr Version k2_6{2, 6};
constexpr Version k2_9{2, 9};

Settings parsed(std::string_view conf, Version version = kNewest) {
  const auto settings = parse_settings(conf, version);
  EXPECT_TRUE(settings) << conf << ": " << (settings ? "" : settings.error().what);
  return settings ? *settings : Settings{};
}

std::string error_of(std::string_view conf, Version version = kNewest) {
  const auto settings = parse_settings(conf, version);
  if (settings) return "";
  EXPECT_EQ(settings.error().kind, ErrorKind::kUsage);
  EXPECT_NE(settings.error().action, "") << "an error says what to try";
  return settings.error().what;
}

// ---- What each key means ----

TEST(Settings, NothingIsTheDefaults) {
  EXPECT_EQ(parsed(""), Settings{});
  EXPECT_EQ(parsed(" "), Settings{});
  EXPECT_EQ(parsed(","), Settings{});
  const Settings defaults;
  EXPECT_FALSE(defaults.expandable_segments);
  EXPECT_EQ(defaults.max_split_size, kUnlimited);
  EXPECT_EQ(defaults.large_segment_size, 20_MiB);
  EXPECT_EQ(defaults.max_non_split_rounding, 20_MiB);
}

TEST(Settings, EachKeyThatPlacesBlocksSetsItsValue) {
  EXPECT_TRUE(parsed("expandable_segments:True").expandable_segments);
  EXPECT_FALSE(parsed("expandable_segments:False").expandable_segments);
  EXPECT_EQ(parsed("max_split_size_mb:128").max_split_size, 128_MiB);
  EXPECT_EQ(parsed("max_non_split_rounding_mb:30").max_non_split_rounding, 30_MiB);
  EXPECT_EQ(parsed("large_segment_size_mb:64").large_segment_size, 64_MiB);
  EXPECT_EQ(parsed("garbage_collection_threshold:0.8").garbage_collection_threshold, 0.8);
  EXPECT_EQ(parsed("per_process_memory_fraction:0.25").memory_fraction, 0.25);
  EXPECT_TRUE(parsed("throw_on_cudamalloc_oom:True").throw_on_cudamalloc_oom);
  EXPECT_EQ(parsed("expandable_segments_reserve:0.5").reserve_fraction, 0.5);
  EXPECT_EQ(parsed("expandable_segments_reserve:40G").reserve_bytes, 40_GiB);
}

TEST(Settings, SeveralKeysAreTakenTogetherAndTheLastOfOneCounts) {
  const Settings settings = parsed("expandable_segments:True,max_split_size_mb:64,garbage_collection_threshold:0.5");
  EXPECT_TRUE(settings.expandable_segments);
  EXPECT_EQ(settings.max_split_size, 64_MiB);
  EXPECT_EQ(settings.garbage_collection_threshold, 0.5);
  EXPECT_EQ(parsed("max_split_size_mb:64,max_split_size_mb:32").max_split_size, 32_MiB);
}

TEST(Settings, TheLastWordOnAReservationCountsWhetherAPartOrBytes) {
  EXPECT_EQ(parsed("expandable_segments_reserve:40G,expandable_segments_reserve:0.5"),
            parsed("expandable_segments_reserve:0.5"));
  EXPECT_EQ(parsed("expandable_segments_reserve:0.5,expandable_segments_reserve:40G"),
            parsed("expandable_segments_reserve:40G"));
}

TEST(Settings, WhiteSpaceIsNothing) {
  EXPECT_EQ(parsed(" max_split_size_mb : 6 4 ,\texpandable_segments:True\n").max_split_size, 64_MiB);
  EXPECT_EQ(parsed("roundup_power2_divisions:[ 256 : 4 , > : 1 ]"), parsed("roundup_power2_divisions:[256:4,>:1]"));
}

TEST(Settings, KeysThatPlaceNothingAreTakenAndHaveNoEffect) {
  for (const std::string_view conf :
       {"backend:native", "release_lock_on_cudamalloc:True", "release_lock_on_hipmalloc:True",
        "pinned_use_cuda_host_register:True", "pinned_use_hip_host_register:True", "pinned_num_register_threads:8",
        "pinned_use_background_threads:True", "pinned_reserve_segment_size_mb:100", "pinned_free_catch_all:True",
        "pinned_max_round_threshold_mb:100", "pinned_max_cached_size_mb:100", "graph_capture_record_stream_reuse:True",
        "expandable_segments_reserve_by_class:[weights:0.5,cache:10G]"}) {
    EXPECT_EQ(parsed(conf), Settings{}) << conf;
  }
}

TEST(Settings, TheSlackOfOversizeBlocksFollowsTheLargeSegmentUnlessGiven) {
  EXPECT_EQ(parsed("large_segment_size_mb:64").max_non_split_rounding, 64_MiB);
  EXPECT_EQ(parsed("max_non_split_rounding_mb:100,large_segment_size_mb:64").max_non_split_rounding, 100_MiB);
}

// ---- roundup_power2_divisions (9.3) ----

using Slots = std::array<uint32_t, 16>;

Slots slots(std::string_view value, Version version = kNewest) {
  return parsed("roundup_power2_divisions:" + std::string(value), version).rounding.divisions;
}

TEST(Settings, OneDivisionCountFillsEverySlot) {
  Slots eights;
  eights.fill(8);
  EXPECT_EQ(slots("8"), eights);
}

TEST(Settings, TheFirstOfAListFillsTheSlotsBelowItAndGapsStayOff) {
  EXPECT_EQ(slots("[4:8,32:2]"), (Slots{8, 8, 8, 0, 0, 2}));
  EXPECT_EQ(slots("[1:4]"), (Slots{4}));
  EXPECT_EQ(slots("[64:0,128:4]"), (Slots{0, 0, 0, 0, 0, 0, 0, 4}));
}

TEST(Settings, SizesAboveTheLastSlotFallIntoIt) {
  EXPECT_EQ(slots("[1:1,65536:4]")[15], 4U);
  EXPECT_EQ(slots("[1:1,32768:4]")[15], 4U);
}

TEST(Settings, TheRestOfAListBeginsAfterTheLastSlotFrom2_10AndAtItBefore) {
  const Slots after = {8, 8, 8, 8, 8, 8, 8, 0, 4, 1, 1, 1, 1, 1, 1, 1};
  const Slots at = {8, 8, 8, 8, 8, 8, 8, 0, 1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(slots("[64:8,256:4,>:1]"), after);
  EXPECT_EQ(slots("[64:8,256:4,>:1]", {2, 10}), after);
  EXPECT_EQ(slots("[64:8,256:4,>:1]", k2_9), at);
  EXPECT_EQ(slots("[64:8,256:4,>:1]", k2_6), at);
}

TEST(Settings, AListOfTheRestAloneFillsEverySlot) {
  Slots twos;
  twos.fill(2);
  EXPECT_EQ(slots("[>:2]"), twos);
}

// ---- What is refused ----

TEST(Settings, AnUnknownKeyIsNamed) {
  EXPECT_EQ(error_of("max_split_sise_mb:64"), "max_split_sise_mb is no setting of PyTorch's");
  EXPECT_EQ(error_of("\x1b[2J:1"), "\\x1b[2J is no setting of PyTorch's");
}

TEST(Settings, AKeyWithoutValueIsNamed) {
  EXPECT_EQ(error_of("expandable_segments"), "the setting expandable_segments has no value");
  EXPECT_EQ(error_of("max_split_size_mb:"), "the setting max_split_size_mb: has no value");
}

TEST(Settings, AKeyThatCameLaterIsRefusedForAnEarlierRelease) {
  EXPECT_EQ(error_of("large_segment_size_mb:64", k2_9),
            "PyTorch 2.9 does not have the setting large_segment_size_mb, which came with 2.12");
  const std::vector<std::pair<std::string_view, Version>> since = {{"large_segment_size_mb:64", {2, 12}},
                                                                   {"per_process_memory_fraction:0.5", {2, 10}},
                                                                   {"throw_on_cudamalloc_oom:True", {2, 12}},
                                                                   {"expandable_segments_reserve:0.5", {2, 14}},
                                                                   {"graph_capture_record_stream_reuse:True", k2_9},
                                                                   {"max_non_split_rounding_mb:30", {2, 5}},
                                                                   {"expandable_segments:True", {2, 1}}};
  for (const auto& [conf, first] : since) {
    EXPECT_EQ(error_of(conf, first), "") << conf;
    EXPECT_NE(error_of(conf, {first.major, first.minor - 1}), "") << conf;
    const std::string_view key = conf.substr(0, conf.find(':'));
    EXPECT_TRUE(has_key(key, first));
    EXPECT_FALSE(has_key(key, {first.major, first.minor - 1}));
  }
  EXPECT_FALSE(has_key("no_such_key", kNewest));
}

TEST(Settings, ValuesOutsideWhatPyTorchTakesAreRefused) {
  for (const std::string_view conf : {"expandable_segments:true",
                                      "expandable_segments:1",
                                      "throw_on_cudamalloc_oom:yes",
                                      "max_split_size_mb:19",
                                      "max_split_size_mb:-1",
                                      "max_split_size_mb:64MB",
                                      "max_split_size_mb:64.5",
                                      "max_split_size_mb:99999999999999999999",
                                      "max_split_size_mb:2000000000000",
                                      "max_non_split_rounding_mb:19",
                                      "large_segment_size_mb:10",
                                      "large_segment_size_mb:x",
                                      "large_segment_size_mb:64,max_split_size_mb:32",
                                      "max_split_size_mb:32,large_segment_size_mb:64",
                                      "garbage_collection_threshold:0",
                                      "garbage_collection_threshold:1",
                                      "garbage_collection_threshold:1.5",
                                      "garbage_collection_threshold:-0.5",
                                      "garbage_collection_threshold:nan",
                                      "garbage_collection_threshold:0.5x",
                                      "per_process_memory_fraction:1.01",
                                      "per_process_memory_fraction:-0.1",
                                      "per_process_memory_fraction:nan",
                                      "expandable_segments_reserve:0",
                                      "expandable_segments_reserve:-1",
                                      "expandable_segments_reserve:inf",
                                      "expandable_segments_reserve:nan",
                                      "expandable_segments_reserve:0G",
                                      "expandable_segments_reserve:G",
                                      "expandable_segments_reserve:1.5G",
                                      "roundup_power2_divisions:3",
                                      "roundup_power2_divisions:0",
                                      "roundup_power2_divisions:-4",
                                      "roundup_power2_divisions:[3:4]",
                                      "roundup_power2_divisions:[4:3]",
                                      "roundup_power2_divisions:[4]",
                                      "roundup_power2_divisions:[0:4]",
                                      "roundup_power2_divisions:[x:4]",
                                      "roundup_power2_divisions:[4:4,>]",
                                      "backend:cudaMallocAsync"}) {
    EXPECT_NE(error_of(conf), "") << conf;
  }
}

TEST(Settings, ValuesAtTheEdgesAreTaken) {
  EXPECT_EQ(parsed("max_split_size_mb:20").max_split_size, 20_MiB);
  EXPECT_EQ(parsed("large_segment_size_mb:11").large_segment_size, 11_MiB);
  EXPECT_EQ(parsed("large_segment_size_mb:11,max_split_size_mb:11").max_split_size, 11_MiB);
  EXPECT_EQ(parsed("per_process_memory_fraction:0").memory_fraction, 0.0);
  EXPECT_EQ(parsed("per_process_memory_fraction:1").memory_fraction, 1.0);
  EXPECT_EQ(parsed("garbage_collection_threshold:1e-3").garbage_collection_threshold, 0.001);
}

// ---- Back to text ----

// Source: c10/core/AllocatorConfig.cpp, parseArgs.
TEST(Settings, ATextParsedLaterResetsWhatItDoesNotNameOfSomeKeysAndKeepsOthers) {
  const Settings before = parsed("expandable_segments:True,max_split_size_mb:64,roundup_power2_divisions:4");
  const auto after = parse_settings("garbage_collection_threshold:0.5", kNewest, before);
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->expandable_segments);
  EXPECT_EQ(after->max_split_size, kUnlimited);
  EXPECT_EQ(after->rounding, RoundingRules{});
  EXPECT_EQ(after->garbage_collection_threshold, 0.5);
  EXPECT_EQ(parse_settings("", kNewest, *after)->garbage_collection_threshold, 0);
}

TEST(SettingsText, OfTheDefaultsIsEmpty) { EXPECT_EQ(to_conf({}), ""); }

TEST(SettingsText, NamesWhatDiffersInAFixedOrder) {
  EXPECT_EQ(to_conf(parsed("max_split_size_mb:128,expandable_segments:True")),
            "expandable_segments:True,max_split_size_mb:128");
  EXPECT_EQ(to_conf(parsed("garbage_collection_threshold:0.6,roundup_power2_divisions:4")),
            "roundup_power2_divisions:4,garbage_collection_threshold:0.6");
}

TEST(SettingsText, ListsDivisionsThatDiffer) {
  EXPECT_EQ(to_conf(parsed("roundup_power2_divisions:[4:8,32:2]")), "roundup_power2_divisions:[4:8,32:2]");
  EXPECT_EQ(to_conf(parsed("roundup_power2_divisions:[64:0,128:4]")), "roundup_power2_divisions:[64:0,128:4]");
}

TEST(SettingsText, KeepsPairsOfTheOriginalThatPlaceNothing) {
  EXPECT_EQ(
      to_conf(parsed("max_split_size_mb:64"), "backend:native,expandable_segments:True,pinned_num_register_threads:8"),
      "max_split_size_mb:64,backend:native,pinned_num_register_threads:8");
  EXPECT_EQ(to_conf({}, "not a setting"), "") << "what cannot be read is left out";
}

// Any settings come back from their text as they were.
TEST(SettingsText, ReadsBackAsTheSameSettings) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    Settings settings;
    settings.expandable_segments = random.one_in(2);
    if (random.one_in(2)) settings.large_segment_size = Bytes(random.between(11, 200) << 20);
    settings.max_non_split_rounding = settings.large_segment_size;
    const uint64_t least = settings.large_segment_size.value() >> 20;
    if (random.one_in(2)) settings.max_non_split_rounding = Bytes(random.between(least, 500) << 20);
    if (random.one_in(2)) settings.max_split_size = Bytes(random.between(least, 1 << 20) << 20);
    if (random.one_in(3)) {
      settings.rounding.divisions.fill(1U << random.below(7));
    } else {
      for (uint32_t& slot : settings.rounding.divisions) slot = random.one_in(2) ? 0 : 1U << random.below(7);
    }
    const auto part = [&] { return static_cast<double>(random.between(1, 999999)) / 1e6; };
    if (random.one_in(2)) settings.garbage_collection_threshold = part();
    if (random.one_in(2)) settings.memory_fraction = part();
    settings.throw_on_cudamalloc_oom = random.one_in(2);
    if (random.one_in(3)) settings.reserve_fraction = part();
    if (!settings.reserve_fraction && random.one_in(2)) settings.reserve_bytes = Bytes(random.between(1, 999) << 30);
    const std::string conf = to_conf(settings);
    ASSERT_EQ(parsed(conf), settings) << "seed " << seed << ": " << conf;
  }
}

}  // namespace
}  // namespace unfrag::alloc
