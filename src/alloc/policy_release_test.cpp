// The rules one by one: expandable segments (6), what is given back (7), pools (8), what is foretold, and states that
// were found. Numbers are sections of ../shared/reference/allocator.md; the other rules: caching_policy_test.cpp.
#include <gtest/gtest.h>

#include <array>

#include "alloc/caching_policy.h"
#include "alloc/machine_for_tests.h"

namespace unfrag::alloc {
namespace {

constexpr Settings kExpandable = {.expandable_segments = true};

Config expandable(Bytes device_total = 480_MiB) { return {.settings = kExpandable, .device_total = device_total}; }
DeviceScript with_memory(Bytes capacity) { return {.order = DeviceScript::kUp, .capacity = capacity}; }

// ---- Vector B (20) ----

TEST(Expandable, DoesAsTheWorkedExampleSays) {
  Machine m(expandable(160_MiB));  // a reservation is 180 MiB
  const BlockId a = m.get(30_MiB);
  EXPECT_EQ(m.asked(), "[180 map 40@0");
  EXPECT_EQ(m.at(m.get(15_MiB)), 30_MiB);
  EXPECT_EQ(m.asked(), "map 20@40");
  m.policy.free(a);
  const BlockId c = m.get(45_MiB);
  EXPECT_EQ(m.at(c), 45_MiB);
  EXPECT_EQ(m.asked(), "map 40@60");
  m.get(100_B);
  EXPECT_EQ(m.asked(), "[180 map 2@180");
  m.policy.free(c);
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "unmap 20@0 unmap 40@60");
  EXPECT_EQ(m.reserved(), 42_MiB);
  EXPECT_EQ(m.policy.statistics().allocated.current, 15_MiB + 512_B);
  EXPECT_EQ(m.policy.statistics().segments, 0U) << "mapping never counts as a segment";
  EXPECT_EQ(m.fault(), "");
}

// ---- Reserving (6.2), choosing (3.1, 6.4), mapping (6.3, 6.5) ----

TEST(Expandable, ReservesNineEighthsOfTheDeviceInWholePages) {
  Machine m(expandable(99_MiB));
  m.get(1_MiB);
  m.get(2_MiB);
  EXPECT_EQ(m.asked(), "[112 map 2@0 [120 map 20@112");
}

TEST(Expandable, ReservesWhatTheSettingsSayAndNeverMoreThanThat) {
  Settings settings = kExpandable;
  settings.reserve_fraction = 0.25;
  Machine quarter({.settings = settings, .device_total = 160_MiB});
  quarter.get(2_MiB);
  EXPECT_EQ(quarter.asked(), "[40 map 20@0");
  settings.reserve_bytes = 1_GiB;
  Machine too_much({.settings = settings, .device_total = 160_MiB});
  too_much.get(2_MiB);
  EXPECT_EQ(too_much.asked(), "[180 map 20@0");
}

TEST(Expandable, ReservesAnewWhereNoReservationHasRoomEnough) {
  Machine m(expandable(160_MiB));
  m.get(100_MiB);
  m.get(90_MiB);
  EXPECT_EQ(m.asked(), "[180 map 100@0 [180 map 100@180");
}

TEST(Expandable, FailsWhereNoReservationCouldHoldTheRequest) {
  Machine m(expandable(160_MiB));
  EXPECT_TRUE(m.get(200_MiB).is_none());
  EXPECT_EQ(m.policy.predict(200_MiB, 0, kDefaultPool), Prediction::kReleases);
  EXPECT_EQ(m.asked(), "");
}

TEST(Expandable, MapsPagesOfTheSizeSetForLargeSegments) {
  Settings settings = kExpandable;
  settings.large_segment_size = 48_MiB;
  Machine m({.settings = settings, .device_total = 512_MiB});
  m.get(49_MiB);
  EXPECT_EQ(m.asked(), "[576 map 96@0");
}

TEST(Expandable, StartsAtTheFreeBlockBeforeTheUnmappedSpace) {
  Machine m(expandable());
  m.policy.free(m.get(15_MiB));
  EXPECT_EQ(m.at(m.get(25_MiB)), 0_B);
  EXPECT_EQ(m.asked(), "[540 map 20@0 map 20@20");
}

TEST(Expandable, TakesABlockThatCouldGrowLast) {
  Machine m(expandable());
  const BlockId hole = m.get(15_MiB);
  m.get(1_MiB + 512_B);  // what is left of the page, 4 MiB less 512 B, lies before unmapped space
  m.policy.free(hole);
  EXPECT_EQ(m.at(m.get(2_MiB)), 0_B) << "a hole of 15 MiB is taken before a tail of 4 MiB that could grow";
}

TEST(Expandable, StopsLookingAtTheFirstBlockThatReachesNoLess) {
  Machine m(expandable(160_MiB));
  m.get(135_MiB);  // leaves 5 MiB at 135, which could grow to 45
  const BlockId hole = m.get(46_MiB);
  m.get(8_MiB);  // leaves 6 MiB in the second reservation, which could grow to 126
  m.policy.free(hole);
  m.get(16_MiB);  // leaves 30 MiB that cannot grow
  EXPECT_EQ(m.asked(), "[180 map 140@0 [180 map 60@180");
  EXPECT_EQ(m.at(m.get(3_MiB)), 135_MiB) << "5 comes before 6, and 6 before the 30 that reach least";
}

TEST(Expandable, FillsSeveralHolesOfUnmappedSpaceForOneRequest) {
  Machine m(expandable());
  const BlockId a = m.get(20_MiB);
  const BlockId b = m.get(20_MiB);
  const BlockId c = m.get(20_MiB);
  m.policy.free(a);
  m.policy.empty_cache();
  m.policy.free(b);
  m.policy.free(c);
  EXPECT_EQ(m.asked(), "[540 map 20@0 map 20@20 map 20@40 unmap 20@0");
  EXPECT_EQ(m.at(m.get(70_MiB)), 0_B);
  EXPECT_EQ(m.asked(), "map 20@0 map 20@60");
  EXPECT_EQ(m.fault(), "");
}

TEST(Expandable, KeepsWhatWasMappedWhenALaterStepFails) {
  Machine m(expandable(), {.order = DeviceScript::kUp, .refuses_nth = 4});
  const BlockId a = m.get(20_MiB);
  const BlockId b = m.get(20_MiB);
  m.policy.free(a);
  m.policy.empty_cache();
  m.policy.free(b);
  m.policy.set_scope(Scope::kCapture);  // so that nothing is released and tried again
  EXPECT_TRUE(m.get(50_MiB).is_none());
  EXPECT_EQ(m.asked(), "[540 map 20@0 map 20@20 unmap 20@0 map 20@0 map 20@40!");
  EXPECT_EQ(m.reserved(), 40_MiB);
  EXPECT_EQ(m.at(m.policy.best_fit(40_MiB, 0, kDefaultPool)), 0_B);
  EXPECT_EQ(m.fault(), "");
}

TEST(Expandable, IsNotUsedForPoolsWithAnAllocatorOfTheirOwn) {
  Machine m(expandable());
  const PoolIdx own = m.policy.create_pool({.custom_allocator = true});
  m.get(20_MiB, 0, own);
  EXPECT_EQ(m.asked(), "+20");
}

// ---- Unmapping (6.6) ----

TEST(Expandable, UnmapsTheSmallestFreeBlocksFirst) {
  Machine m(expandable());
  const BlockId large = m.get(60_MiB);
  m.get(20_MiB);
  const BlockId middle = m.get(20_MiB);
  m.get(20_MiB);
  m.asked();
  m.policy.free(large);
  m.policy.free(middle);
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "unmap 20@80 unmap 60@0");
}

TEST(Expandable, UnmapsAfterAllPlainSegmentsOfThePool) {
  Machine m(expandable());
  m.policy.free(m.get(50_MiB));
  m.policy.adopt_segment(Address(DeviceForTests::kOrigin) + 10_GiB, 90_MiB, {});
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "[540 map 60@0 -90@10240 unmap 60@0 ]");
}

TEST(Expandable, KeepsPagesThatAreFreeInPart) {
  Machine m(expandable());
  const BlockId a = m.get(30_MiB);
  m.get(30_MiB);
  m.policy.free(a);
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "[540 map 40@0 map 20@40 unmap 20@0");
  EXPECT_EQ(m.at(m.get(10_MiB)), 20_MiB) << "the half of the second page that was free is so still";
  EXPECT_EQ(m.fault(), "");
}

TEST(Expandable, GivesAReservationBackOnceNothingOfItIsMapped) {
  Machine m(expandable());
  m.policy.free(m.get(30_MiB));
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "[540 map 40@0 unmap 40@0 ]");
  EXPECT_EQ(m.policy.statistics().num_device_alloc, 1U);
  EXPECT_EQ(m.policy.statistics().num_device_free, 1U);
  EXPECT_EQ(m.reserved(), 0_B);
  m.get(30_MiB);
  EXPECT_EQ(m.asked(), "[540 map 40@540");
}

// ---- All that is free (7.1) ----

TEST(Release, GivesBackWholeSegmentsAlone) {
  Machine m;
  const BlockId whole = m.get(20_MiB);
  const BlockId part = m.get(5_MiB);
  m.get(5_MiB);
  m.policy.free(whole);
  m.policy.free(part);
  m.asked();
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "-20@0");
  EXPECT_EQ(m.policy.statistics().segments, 1U);
  EXPECT_EQ(m.policy.statistics().segment_peak, 2U);
  EXPECT_EQ(m.policy.statistics().num_device_free, 1U);
}

TEST(Release, GoesByPoolStreamAndSize) {
  Machine m;
  const std::array ids = {m.get(1_KiB), m.get(30_MiB, -1), m.get(30_MiB, 7), m.get(50_MiB), m.get(40_MiB)};
  m.asked();
  for (const BlockId id : ids) m.policy.free(id);
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "-40@112 -50@62 -30@32 -30@2 -2@0") << "large before small; -1 is the largest handle";
}

TEST(Release, WaitsForAllEventsFirst) {
  Machine m;
  m.device.polled = DeviceForTests::Polled::kNone;
  const BlockId a = m.get(20_MiB);
  m.policy.record_stream(a, 7);
  m.policy.free(a);
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "+20 -20@0");
  EXPECT_EQ(m.policy.statistics().num_sync_all_streams, 1U);
}

// ---- One block, or the largest (7.2) ----

TEST(Release, OfOneBlockThatIsLargeEnoughComesBeforeARelease) {
  Machine m({.settings = {.max_split_size = 25_MiB, .max_non_split_rounding = 20_MiB}}, with_memory(130_MiB));
  m.policy.free(m.get(20_MiB));
  m.policy.free(m.get(50_MiB));
  m.policy.free(m.get(60_MiB));
  EXPECT_FALSE(m.get(26_MiB).is_none());
  EXPECT_EQ(m.asked(), "+20 +50 +60 +26! -50@20 +26");
  EXPECT_EQ(m.policy.statistics().num_alloc_retries, 0U);
}

TEST(Release, OfOneBlockPassesOverExpandableOnes) {
  Machine m({.settings = {.expandable_segments = true, .max_split_size = 20_MiB}, .device_total = 480_MiB},
            with_memory(80_MiB));
  const BlockId hole = m.get(60_MiB);
  m.get(20_MiB);
  m.policy.free(hole);
  m.policy.adopt_segment(Address(DeviceForTests::kOrigin) + 1_GiB, 20_MiB, {});
  m.policy.adopt_segment(Address(DeviceForTests::kOrigin) + 2_GiB, 90_MiB, {});
  m.get(21_MiB);  // the hole is too large for it, but the first of the size of the limit and more
  EXPECT_EQ(m.asked(), "[540 map 60@0 map 20@60 map 40@80! -20@1024 -90@2048 unmap 60@0 map 40@0")
      << "what is smaller than the hole does not suffice; the rest is of the full release";
}

TEST(Release, OfTheLargestBlocksFollowsWhereNoneIsLargeEnough) {
  Machine m({.settings = {.max_split_size = 25_MiB}}, with_memory(120_MiB));
  const BlockId a = m.get(26_MiB);
  const BlockId b = m.get(30_MiB);
  const BlockId c = m.get(40_MiB);
  const BlockId d = m.get(24_MiB);
  for (const BlockId id : {a, b, c, d}) m.policy.free(id);
  EXPECT_FALSE(m.get(70_MiB).is_none());
  EXPECT_EQ(m.asked(), "+26 +30 +40 +24 +70! -40@56 -30@26 +70") << "no more than needed";
}

TEST(Release, OfTheLargestBlocksThatDoesNotSufficeIsNotFollowedByATry) {
  Machine m({.settings = {.max_split_size = 25_MiB}}, with_memory(100_MiB));
  m.policy.free(m.get(26_MiB));
  m.policy.free(m.get(24_MiB));
  EXPECT_FALSE(m.get(80_MiB).is_none());
  EXPECT_EQ(m.asked(), "+26 +24 +80! -26@0 -24@26 +80");
  EXPECT_EQ(m.policy.statistics().num_alloc_retries, 1U);
}

// ---- What has not been used for long (7.3) ----

TEST(Collector, GivesBackWhatIsOlderThanTheAverageOnceTheThresholdIsPassed) {
  Machine m({.settings = {.garbage_collection_threshold = 0.5}, .limit = 200_MiB});
  const BlockId old = m.get(30_MiB);
  const BlockId young = m.get(40_MiB);
  m.policy.free(old);
  m.policy.free(m.get(50_MiB));
  m.policy.free(young);
  EXPECT_EQ(m.asked(), "+30 +40 +50");
  m.get(55_MiB);
  EXPECT_EQ(m.asked(), "-30@0 +56") << "20 MiB above the threshold: one block is enough";
}

TEST(Collector, DoesNotStopAtItsTargetWithinAPass) {
  Machine m({.settings = {.garbage_collection_threshold = 0.5}, .limit = 200_MiB});
  const BlockId a = m.get(50_MiB);
  const BlockId b = m.get(52_MiB);
  m.policy.free(a);
  m.policy.free(b);
  m.get(60_MiB);
  EXPECT_EQ(m.asked(), "+50 +52 -50@0 -52@50 +60");
}

TEST(Collector, LeavesMemoryAloneUpToTheThreshold) {
  Machine m({.settings = {.garbage_collection_threshold = 0.5}, .limit = 200_MiB});
  m.policy.free(m.get(100_MiB));
  m.get(40_MiB, 7);
  EXPECT_EQ(m.asked(), "+100 +40");
}

TEST(Collector, LooksAtTheDefaultLargePoolAlone) {
  Machine m({.settings = {.garbage_collection_threshold = 0.1}, .limit = 200_MiB});
  const PoolIdx pool = m.policy.create_pool({});
  m.policy.free(m.get(1_MiB));
  m.policy.free(m.get(50_MiB, 0, pool));
  m.get(40_MiB);
  EXPECT_EQ(m.asked(), "+2 +50 +40");
}

TEST(Collector, DoesNothingWithoutALimit) {
  Machine m({.settings = {.garbage_collection_threshold = 0.01}, .device_total = 200_MiB});
  m.policy.free(m.get(100_MiB));
  m.get(40_MiB, 7);
  EXPECT_EQ(m.asked(), "+100 +40");
}

// ---- Pools (8) ----

TEST(Pools, HaveMemoryOfTheirOwn) {
  Machine m;
  const PoolIdx pool = m.policy.create_pool({});
  m.policy.free(m.get(20_MiB));
  m.get(20_MiB, 0, pool);
  EXPECT_EQ(m.asked(), "+20 +20");
}

TEST(Pools, KeepTheirMemoryUntilNobodyUsesThem) {
  Machine m;
  const PoolIdx pool = m.policy.create_pool({});
  m.policy.free(m.get(20_MiB, 0, pool));
  m.policy.free(m.get(1_MiB, 0, pool));
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "+20 +2");
  m.policy.retire_pool(pool);
  EXPECT_EQ(m.asked(), "");
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "-2@20 -20@0") << "small before large, unlike the default pools";
}

TEST(Pools, AreReleasedAtOnceWhenTheirOwnerDies) {
  Machine m;
  const PoolIdx pool = m.policy.create_pool({});
  const BlockId kept = m.get(20_MiB, 0, pool);
  m.policy.free(m.get(30_MiB, 0, pool));
  m.policy.free(m.get(40_MiB));
  m.asked();
  m.policy.release_pool(pool);
  EXPECT_EQ(m.asked(), "-30@20");
  m.policy.free(kept);
  m.policy.empty_cache();
  EXPECT_EQ(m.asked(), "-40@50 -20@0");
}

TEST(Pools, WaitForTheirOwnEventsAloneWhenTheirOwnerDies) {
  Machine m;
  m.device.polled = DeviceForTests::Polled::kNone;
  const PoolIdx pool = m.policy.create_pool({});
  const BlockId theirs = m.get(20_MiB, 0, pool);
  const BlockId other = m.get(30_MiB);
  for (const BlockId id : {theirs, other}) {
    m.policy.record_stream(id, 7);
    m.policy.free(id);
  }
  m.policy.release_pool(pool);
  EXPECT_EQ(m.asked(), "+20 +30 -20@0");
  EXPECT_EQ(m.device.events().size(), 1U);
  EXPECT_EQ(m.policy.statistics().num_sync_all_streams, 1U);
}

TEST(Pools, ResumeWhatACaptureHadParkedWhenTheirOwnerDies) {
  Machine m;
  const PoolIdx pool = m.policy.create_pool({});
  const BlockId a = m.get(20_MiB, 0, pool);
  m.policy.record_stream(a, 7);
  m.policy.set_scope(Scope::kCapture);
  m.policy.free(a);
  m.policy.set_scope(Scope::kNone);
  m.policy.release_pool(pool);
  EXPECT_EQ(m.asked(), "+20 -20@0");
}

TEST(Pools, ThatServeOnOutOfMemoryAreTriedBeforeAReleaseFrom2_11) {
  for (const Version version : {Version{2, 10}, Version{2, 11}}) {
    Machine m({.rules = rules_of(version)}, with_memory(80_MiB));
    const PoolIdx pool = m.policy.create_pool({.use_on_oom = true});
    m.policy.free(m.get(30_MiB, 0, pool));
    m.policy.free(m.get(40_MiB, 7));
    const BlockId served = m.get(20_MiB);
    const bool at_once = version == Version{2, 11};
    EXPECT_EQ(m.asked(), at_once ? "+30 +40 +20!" : "+30 +40 +20! -40@30 +20");
    EXPECT_EQ(m.policy.owner_of(served).pool, at_once ? pool : kDefaultPool);
  }
}

TEST(Pools, ThatServeOnOutOfMemoryServeTheSameStreamAndKeepTheBlock) {
  Machine m({}, with_memory(30_MiB));
  const PoolIdx pool = m.policy.create_pool({.use_on_oom = true});
  m.policy.free(m.get(30_MiB, 0, pool));
  EXPECT_TRUE(m.get(20_MiB, 7).is_none());
  const BlockId served = m.get(20_MiB);
  ASSERT_FALSE(served.is_none());
  EXPECT_EQ(m.policy.owner_of(served).pool, pool);
  m.policy.free(served);
  EXPECT_EQ(m.at(m.get(30_MiB, 0, pool)), 0_B);
}

TEST(Pools, WithoutThatOptionServeNobodyElse) {
  Machine m({}, with_memory(30_MiB));
  const PoolIdx pool = m.policy.create_pool({});
  m.policy.free(m.get(30_MiB, 0, pool));
  EXPECT_TRUE(m.get(20_MiB).is_none());
}

// ---- What the next request would do ----

TEST(Prediction, SaysWhetherTheCacheOrTheDriverWouldServe) {
  Machine m({}, with_memory(50_MiB));
  m.policy.free(m.get(30_MiB));
  EXPECT_EQ(m.policy.predict(25_MiB, 0, kDefaultPool), Prediction::kCached);
  EXPECT_EQ(m.policy.predict(20_MiB, 7, kDefaultPool), Prediction::kDriver);
  EXPECT_EQ(m.policy.predict(22_MiB, 7, kDefaultPool), Prediction::kReleases);
}

TEST(Prediction, ForeseesTheCollector) {
  Machine m({.settings = {.garbage_collection_threshold = 0.5}, .limit = 100_MiB});
  m.policy.free(m.get(60_MiB));
  EXPECT_EQ(m.policy.predict(20_MiB, 7, kDefaultPool), Prediction::kReleasesFirst);
}

TEST(Prediction, ForeseesThatALargeBlockGoesFirstUnderMaxSplitSize) {
  Machine m({.settings = {.max_split_size = 40_MiB}}, with_memory(100_MiB));
  m.policy.free(m.get(60_MiB));
  EXPECT_EQ(m.policy.predict(50_MiB, 7, kDefaultPool), Prediction::kReleases) << "it is another stream's";
  EXPECT_EQ(m.policy.predict(70_MiB, 0, kDefaultPool), Prediction::kReleasesFirst);
}

TEST(Prediction, CountsThePagesThatWouldBeMapped) {
  Machine m(expandable(), with_memory(60_MiB));
  m.get(30_MiB);
  EXPECT_EQ(m.policy.predict(30_MiB, 0, kDefaultPool), Prediction::kDriver);
  EXPECT_EQ(m.policy.predict(31_MiB, 0, kDefaultPool), Prediction::kReleases);
  EXPECT_EQ(m.policy.predict(21_MiB, 7, kDefaultPool), Prediction::kReleases) << "another stream needs two pages";
}

// ---- States that were found ----

TEST(Adopted, SegmentsAndBlocksCountAsIfObtained) {
  Machine m;
  const Owner owner{.stream = 7, .pool = kDefaultPool, .small = false};
  const BlockId segment = m.policy.adopt_segment(Address(uint64_t{1} << 40), 20_MiB, owner);
  const BlockId first = m.policy.adopt_block(segment, Address((uint64_t{1} << 40) + (2 << 20)), 4_MiB, 3_MiB);
  const BlockId second = m.policy.adopt_block(first, Address((uint64_t{1} << 40) + (6 << 20)), 4_MiB, 4_MiB);
  ASSERT_FALSE(second.is_none());
  EXPECT_EQ(m.policy.statistics().allocated.current, 8_MiB);
  EXPECT_EQ(m.policy.statistics().requested.current, 7_MiB);
  EXPECT_EQ(m.reserved(), 20_MiB);
  EXPECT_EQ(m.fault(), "");
  EXPECT_EQ(m.policy.owner_of(second), owner);
  m.policy.free(first);
  m.policy.free(second);
  EXPECT_EQ(m.size(m.policy.best_fit(20_MiB, 7, kDefaultPool)), 20_MiB);
}

TEST(Adopted, BlocksMustLieInFreeMemory) {
  Machine m;
  const Address base(uint64_t{1} << 40);
  const BlockId segment = m.policy.adopt_segment(base, 20_MiB, {});
  const BlockId block = m.policy.adopt_block(segment, base, 4_MiB, 4_MiB);
  EXPECT_TRUE(m.policy.adopt_block(block, base + 2_MiB, 4_MiB, 4_MiB).is_none());
  EXPECT_TRUE(m.policy.adopt_block(block, base + 18_MiB, 4_MiB, 4_MiB).is_none());
  EXPECT_TRUE(m.policy.adopt_block(block, base + 30_MiB, 4_MiB, 4_MiB).is_none());
  EXPECT_EQ(m.fault(), "");
}

TEST(Adopted, PagesServeNobodyWhereExpandableSegmentsAreOff) {
  Machine m;
  const Address base(uint64_t{1} << 40);
  m.policy.adopt_mapped(m.policy.adopt_reservation(base, 600_MiB, 20_MiB, {}), base, 20_MiB);
  EXPECT_TRUE(m.policy.best_fit(15_MiB, 0, kDefaultPool).is_none());
  m.policy.adopt_segment(base + 1_GiB, 30_MiB, {});
  EXPECT_EQ(m.policy.block(m.get(15_MiB)).addr, (base + 1_GiB).value()) << "it looks past them";
}

TEST(Adopted, PagesAreMappedWhereTheyWere) {
  Machine m(expandable());
  const Address base(uint64_t{1} << 40);
  const BlockId reservation = m.policy.adopt_reservation(base, 600_MiB, 20_MiB, {});
  const BlockId first = m.policy.adopt_mapped(reservation, base + 40_MiB, 20_MiB);
  const BlockId second = m.policy.adopt_mapped(first, base + 60_MiB, 40_MiB);
  ASSERT_FALSE(second.is_none());
  EXPECT_EQ(m.size(second), 60_MiB) << "runs that touch are one";
  EXPECT_TRUE(m.policy.adopt_mapped(second, base + 80_MiB, 40_MiB).is_none());
  EXPECT_EQ(m.reserved(), 60_MiB);
  EXPECT_EQ(m.fault(), "");
}

TEST(Adopted, PagesKeepTheirSizeWhateverTheSettings) {
  Machine m({.settings = {.expandable_segments = true, .large_segment_size = 64_MiB}});
  const Address base(DeviceForTests::kOrigin + (uint64_t{1} << 40));
  m.policy.adopt_mapped(m.policy.adopt_reservation(base, 600_MiB, 20_MiB, {}), base, 20_MiB);
  const BlockId block = m.get(30_MiB);
  EXPECT_EQ(m.policy.block(block).addr, base.value());
  EXPECT_EQ(m.reserved(), 40_MiB) << "one page more, of the size found";
  m.policy.free(block);
  m.policy.empty_cache();
  EXPECT_EQ(m.reserved(), 0_B);
}

}  // namespace
}  // namespace unfrag::alloc
