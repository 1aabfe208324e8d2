// The rules one by one: searching, asking the driver, splitting, giving back, other streams. Numbers in names of
// groups are sections of ../shared/reference/allocator.md. What is released, and expandable segments:
// policy_release_test.cpp.
#include "alloc/caching_policy.h"

#include <gtest/gtest.h>

#include "alloc/machine_for_tests.h"

namespace unfrag::alloc {
namespace {

constexpr Rules kOld = rules_of({2, 9});
constexpr Rules kNew = rules_of({2, 15});
constexpr DeviceScript kDown = {.order = DeviceScript::kDown};

DeviceScript with_memory(Bytes capacity) { return {.order = DeviceScript::kUp, .capacity = capacity}; }

// ---- Vector A (20) ----

TEST(CachingPolicy, DoesAsTheWorkedExampleOfPlainSegmentsSays) {
  Machine m;
  const BlockId a = m.get(1000_B);
  EXPECT_EQ(m.at(a), 0_B);
  EXPECT_EQ(m.at(m.get(1_MiB)), 1024_B);
  EXPECT_EQ(m.asked(), "+2");
  const BlockId c = m.get(1_MiB + 1_B);
  EXPECT_EQ(m.at(c), 2_MiB);
  EXPECT_EQ(m.size(c), 1049088_B);
  EXPECT_EQ(m.at(m.get(10_MiB)), 2_MiB + 1049088_B);
  const BlockId f = m.get(10_MiB + 1_B);
  EXPECT_EQ(m.at(f), 22_MiB);
  EXPECT_EQ(m.size(f), 10486272_B);
  EXPECT_EQ(m.asked(), "+20 +12");
  m.policy.free(a);
  m.policy.free(c);
  EXPECT_EQ(m.at(m.get(3_MiB)), 2_MiB + 11534848_B);
  EXPECT_EQ(m.asked(), "");
  const BlockId h = m.get(19_MiB - 512_B);
  EXPECT_EQ(m.at(h), 34_MiB);
  EXPECT_EQ(m.size(h), 19922432_B);
  EXPECT_EQ(m.asked(), "+20");

  const Statistics& statistics = m.policy.statistics();
  EXPECT_EQ(statistics.allocated.current, 45088768_B);
  EXPECT_EQ(statistics.requested.current, 45088257_B);
  EXPECT_EQ(statistics.reserved.current, 56623104_B);
  EXPECT_EQ(statistics.segments, 4U);
  EXPECT_EQ(m.fault(), "");
}

// ---- Which pool (1.5), searching it (3.1) ----

TEST(CachingPolicy, ServesARequestFromTheSmallestFreeBlockThatFits) {
  Machine m;
  const BlockId large = m.get(40_MiB);
  const BlockId middle = m.get(30_MiB);
  m.policy.free(large);
  m.policy.free(middle);
  EXPECT_EQ(m.at(m.get(25_MiB)), 40_MiB);
  EXPECT_EQ(m.at(m.get(25_MiB)), 0_MiB);
}

TEST(CachingPolicy, KeepsSmallAndLargeApartByTheRoundedSize) {
  Machine m;
  const BlockId large = m.get(4_MiB);
  m.policy.free(large);
  EXPECT_EQ(m.asked(), "+20");
  EXPECT_TRUE(m.policy.owner_of(m.get(1_MiB)).small);
  EXPECT_EQ(m.asked(), "+2");
  EXPECT_FALSE(m.policy.owner_of(m.get(1_MiB + 1_B)).small);
  EXPECT_EQ(m.asked(), "");
}

TEST(CachingPolicy, NeverGivesOneStreamWhatIsFreeOnAnother) {
  Machine m;
  m.policy.free(m.get(4_MiB, 7));
  m.get(4_MiB, 0);
  m.get(4_MiB, 7);
  EXPECT_EQ(m.asked(), "+20 +20");
}

TEST(CachingPolicy, TakesTheLowestAddressOfEqualSizesBeforeTheOldestSegmentRule) {
  Machine m({.rules = kOld}, kDown);
  const BlockId older = m.get(20_MiB);
  const BlockId lower = m.get(20_MiB);
  const uint64_t lowest = m.policy.block(lower).addr;
  m.policy.free(older);
  m.policy.free(lower);
  EXPECT_EQ(m.policy.block(m.get(20_MiB)).addr, lowest);
}

TEST(CachingPolicy, TakesTheOldestSegmentOfEqualSizesWithTheOldestSegmentRule) {
  Machine m({.rules = kNew}, kDown);
  const BlockId older = m.get(20_MiB);
  const BlockId lower = m.get(20_MiB);
  const uint64_t oldest = m.policy.block(older).addr;
  m.policy.free(lower);
  m.policy.free(older);
  EXPECT_EQ(m.policy.block(m.get(20_MiB)).addr, oldest);
}

TEST(CachingPolicy, TakesASegmentObtainedAgainForANewOne) {
  Machine m({.rules = kNew}, kDown);
  const BlockId first = m.get(20_MiB);
  const BlockId second = m.get(20_MiB);
  const uint64_t kept = m.policy.block(second).addr;
  m.policy.free(first);
  m.policy.empty_cache();
  const BlockId again = m.get(20_MiB);
  m.policy.free(again);
  m.policy.free(second);
  EXPECT_EQ(m.policy.block(m.get(20_MiB)).addr, kept);
}

TEST(CachingPolicy, KeepsBlocksOfTheLimitAndMoreFromSmallerRequests) {
  Machine m({.settings = {.max_split_size = 30_MiB}});
  m.policy.free(m.get(30_MiB));
  m.get(30_MiB - 512_B);
  EXPECT_EQ(m.asked(), "+30 +30");
  m.get(30_MiB);
  EXPECT_EQ(m.asked(), "");
}

TEST(CachingPolicy, KeepsAMuchLargerBlockFromARequestOfTheLimitAndMore) {
  Machine m({.settings = {.max_split_size = 30_MiB, .max_non_split_rounding = 22_MiB}});
  m.policy.free(m.get(60_MiB));
  m.get(38_MiB);
  EXPECT_EQ(m.asked(), "+60 +38");
  const BlockId fits = m.get(38_MiB + 512_B);
  EXPECT_EQ(m.asked(), "");
  EXPECT_EQ(m.size(fits), 60_MiB);
}

// ---- Asking the driver (3.2), failing (3.3) ----

TEST(CachingPolicy, AsksForTwoMebibytesTwentyOrAMultipleOfTwo) {
  Machine m;
  m.get(512_B);
  m.get(1_MiB + 512_B, 1);
  m.get(10_MiB - 512_B, 2);
  m.get(10_MiB, 3);
  m.get(10_MiB + 512_B, 4);
  EXPECT_EQ(m.asked(), "+2 +20 +20 +10 +12");
}

TEST(CachingPolicy, AsksForLargeSegmentsOfTheSizeSet) {
  Machine m({.settings = {.large_segment_size = 48_MiB}});
  m.get(1_MiB + 512_B);
  m.get(10_MiB - 512_B);
  m.get(10_MiB, 1);
  EXPECT_EQ(m.asked(), "+48 +10");
}

TEST(CachingPolicy, MayReachTheLimitButNotPassIt) {
  Machine m({.limit = 40_MiB});
  EXPECT_FALSE(m.get(30_MiB).is_none());
  EXPECT_FALSE(m.get(10_MiB).is_none());
  EXPECT_TRUE(m.get(512_B).is_none());
  EXPECT_EQ(m.asked(), "+30 +10");
  EXPECT_EQ(m.policy.refusal().kind, Refusal::kOutOfMemory);
}

TEST(CachingPolicy, ComparesTheLimitWithASegmentEvenWhereFewerPagesWouldDo) {
  Machine m({.settings = {.expandable_segments = true}, .limit = 65_MiB});
  m.get(24_MiB);
  EXPECT_EQ(m.reserved(), 40_MiB) << "two pages of 20 MiB";
  EXPECT_TRUE(m.get(30_MiB).is_none()) << "one page more would do, but 30 MiB would pass the limit";
}

TEST(CachingPolicy, MayEndAboveTheLimitWherePagesAreMoreThanASegment) {
  Machine m({.settings = {.expandable_segments = true}, .limit = 50_MiB});
  EXPECT_FALSE(m.get(42_MiB).is_none());
  EXPECT_EQ(m.reserved(), 60_MiB);
}

TEST(CachingPolicy, SaysWhatWasAskedForWhenItRefuses) {
  Machine m({}, with_memory(4_MiB));
  EXPECT_TRUE(m.get(3_MiB).is_none());
  EXPECT_EQ(m.policy.refusal().kind, Refusal::kOutOfMemory);
  EXPECT_EQ(m.policy.refusal().rounded, 3_MiB);
  EXPECT_EQ(m.policy.refusal().segment, 20_MiB);
  EXPECT_EQ(m.policy.statistics().num_ooms, 1U);
  EXPECT_EQ(m.policy.statistics().num_alloc_retries, 1U);
}

TEST(CachingPolicy, RefusesAnExbibyteWithoutCountingIt) {
  Machine m;
  EXPECT_TRUE(m.get(Bytes(uint64_t{1} << 60)).is_none());
  EXPECT_EQ(m.policy.refusal().kind, Refusal::kTooLarge);
  EXPECT_EQ(m.policy.statistics(), Statistics{});
  EXPECT_EQ(m.asked(), "");
}

TEST(CachingPolicy, ReleasesWhatIsCachedAndTriesAgainBeforeItFails) {
  Machine m({}, with_memory(50_MiB));
  m.policy.free(m.get(30_MiB));
  EXPECT_FALSE(m.get(40_MiB).is_none());
  EXPECT_EQ(m.asked(), "+30 +40! -30@0 +40");
  EXPECT_EQ(m.policy.statistics().num_alloc_retries, 1U);
  EXPECT_EQ(m.policy.statistics().num_sync_all_streams, 1U);
  EXPECT_EQ(m.policy.statistics().num_ooms, 0U);
}

TEST(CachingPolicy, DoesNotSearchAgainAfterTheRelease) {
  Machine m({}, with_memory(20_MiB));
  const BlockId waits = m.get(8_MiB);
  m.get(8_MiB);
  m.policy.record_stream(waits, 7);
  m.policy.free(waits);
  m.device.polled = DeviceForTests::Polled::kNone;
  EXPECT_TRUE(m.get(8_MiB).is_none()) << "#189504: what the release itself made free is not looked at";
  EXPECT_FALSE(m.get(8_MiB).is_none());
}

TEST(CachingPolicy, SearchesAgainOnceOthersHaveGivenMemoryBack) {
  Machine m({}, with_memory(30_MiB));
  const BlockId lent = m.get(30_MiB);
  m.device.on_reclaim = [&] {
    m.policy.free(lent);
    return true;
  };
  EXPECT_EQ(m.at(m.get(25_MiB)), 0_B);
  EXPECT_EQ(m.asked(), "+30") << "the driver need not be asked";
}

TEST(CachingPolicy, RejectsWhatWouldPassTheDeviceWithoutALimit) {
  Machine m({.settings = {.throw_on_cudamalloc_oom = true}, .device_total = 64_MiB});
  m.policy.free(m.get(40_MiB));
  EXPECT_FALSE(m.get(24_MiB, 7).is_none()) << "reaching the total is allowed";
  EXPECT_TRUE(m.get(512_B).is_none());
  EXPECT_EQ(m.policy.refusal().kind, Refusal::kRejected);
  EXPECT_EQ(m.asked(), "+40 +24") << "nothing is released";
  EXPECT_EQ(m.policy.statistics().num_oom_rejections, 1U);
  EXPECT_EQ(m.policy.statistics().num_ooms, 0U);
  EXPECT_EQ(m.policy.statistics().num_alloc_retries, 0U);
}

TEST(CachingPolicy, RejectsNothingWhereALimitIsSet) {
  Machine m({.settings = {.throw_on_cudamalloc_oom = true}, .device_total = 64_MiB, .limit = 64_MiB});
  m.policy.free(m.get(40_MiB));
  EXPECT_FALSE(m.get(60_MiB).is_none());
  EXPECT_EQ(m.asked(), "+40 -40@0 +60");
  EXPECT_EQ(m.policy.statistics().num_oom_rejections, 0U);
}

TEST(CachingPolicy, TurnsAFractionIntoBytesAndOneIntoNoLimitFrom2_10) {
  EXPECT_EQ(limit_of_fraction(0.3, 1001_B, kNew), 300_B);
  EXPECT_EQ(limit_of_fraction(0, 1001_B, kNew), 0_B);
  EXPECT_EQ(limit_of_fraction(1, 1001_B, kNew), std::nullopt);
  EXPECT_EQ(limit_of_fraction(1, 1001_B, kOld), 1001_B);
}

// ---- Splitting (4.1), handing out (4.2) ----

TEST(CachingPolicy, SplitsASmallBlockWhere512BytesAreLeft) {
  Machine m;
  const BlockId a = m.get(1024_B);
  m.get(512_B);
  m.policy.free(a);
  const BlockId front = m.get(512_B);
  EXPECT_EQ(m.at(front), 0_B);
  EXPECT_EQ(m.size(front), 512_B);
  EXPECT_EQ(m.at(m.get(512_B)), 512_B);
}

TEST(CachingPolicy, SplitsALargeBlockOnlyWhereMoreThanOneMebibyteIsLeft) {
  Machine m;
  EXPECT_EQ(m.size(m.get(19_MiB, 1)), 20_MiB);
  EXPECT_EQ(m.size(m.get(19_MiB - 512_B, 2)), 19_MiB - 512_B);
  EXPECT_EQ(m.asked(), "+20 +20");
}

TEST(CachingPolicy, SplitsExpandableBlocksToThe512thByte) {
  Machine m({.settings = {.expandable_segments = true}});
  EXPECT_EQ(m.size(m.get(20_MiB - 512_B)), 20_MiB - 512_B);
}

TEST(CachingPolicy, NeverSplitsForARequestOfTheLimitAndMore) {
  Machine m({.settings = {.max_split_size = 24_MiB}});
  m.policy.free(m.get(30_MiB));
  EXPECT_EQ(m.size(m.get(24_MiB)), 30_MiB);
}

TEST(CachingPolicy, HandsBlocksOfANoSplitPoolOutWhole) {
  Machine m;
  const PoolIdx pool = m.policy.create_pool({.no_split = true});
  EXPECT_EQ(m.size(m.get(5_MiB, 0, pool)), 20_MiB);
  EXPECT_EQ(m.size(m.get(512_B, 0, pool)), 2_MiB);
}

TEST(CachingPolicy, CountsTheWholeBlockAsAllocatedAndTheCallersBytesAsRequested) {
  Machine m;
  m.get(19_MiB + 3_B);
  EXPECT_EQ(m.policy.statistics().allocated.current, 20_MiB);
  EXPECT_EQ(m.policy.statistics().active.current, 20_MiB);
  EXPECT_EQ(m.policy.statistics().requested.current, 19_MiB + 3_B);
}

// ---- Giving back (5.1, 5.2) ----

TEST(CachingPolicy, MergesAFreedBlockWithBothFreeNeighbours) {
  Machine m;
  const BlockId a = m.get(4_MiB);
  const BlockId b = m.get(4_MiB);
  const BlockId c = m.get(4_MiB);
  m.policy.free(a);
  m.policy.free(c);
  EXPECT_TRUE(m.policy.best_fit(20_MiB, 0, kDefaultPool).is_none());
  m.policy.free(b);
  EXPECT_EQ(m.at(m.policy.best_fit(20_MiB, 0, kDefaultPool)), 0_B);
  EXPECT_EQ(m.fault(), "");
}

TEST(CachingPolicy, NeverMergesSegmentsThatTouch) {
  Machine m;
  const BlockId a = m.get(20_MiB);
  const BlockId b = m.get(20_MiB);
  m.policy.free(a);
  m.policy.free(b);
  EXPECT_TRUE(m.policy.best_fit(21_MiB, 0, kDefaultPool).is_none());
}

TEST(CachingPolicy, CallsNoDriverOnAFree) {
  Machine m;
  const BlockId a = m.get(20_MiB);
  EXPECT_EQ(m.asked(), "+20");
  m.policy.free(a);
  EXPECT_EQ(m.asked(), "");
  EXPECT_EQ(m.reserved(), 20_MiB);
}

// ---- Other streams (5.3, 5.4) ----

TEST(CachingPolicy, KeepsABlockUntilEveryStreamThatUsedItIsDone) {
  Machine m;
  m.device.polled = DeviceForTests::Polled::kNone;
  const BlockId a = m.get(20_MiB);
  m.policy.record_stream(a, 7);
  m.policy.record_stream(a, 8);
  m.policy.record_stream(a, 7);
  m.policy.free(a);
  EXPECT_EQ(m.device.events().size(), 2U) << "a stream recorded twice is waited for once";
  EXPECT_EQ(m.policy.statistics().allocated.current, 0_B);
  EXPECT_EQ(m.policy.statistics().active.current, 20_MiB);
  m.device.complete(*m.device.events().begin());
  EXPECT_TRUE(m.policy.best_fit(20_MiB, 0, kDefaultPool).is_none());
  m.device.complete(*m.device.events().begin());
  EXPECT_FALSE(m.policy.best_fit(20_MiB, 0, kDefaultPool).is_none());
  EXPECT_EQ(m.policy.statistics().active.current, 0_B);
}

TEST(CachingPolicy, TakesNoNoticeOfABlocksOwnStream) {
  Machine m;
  const BlockId a = m.get(20_MiB, 7);
  m.policy.record_stream(a, 7);
  m.policy.free(a);
  EXPECT_TRUE(m.device.events().empty());
  EXPECT_EQ(m.policy.statistics().active.current, 0_B);
}

TEST(CachingPolicy, DoesNotMergeABlockThatWaits) {
  Machine m;
  m.device.polled = DeviceForTests::Polled::kNone;
  const BlockId a = m.get(5_MiB);
  const BlockId b = m.get(15_MiB);
  m.policy.record_stream(a, 7);
  m.policy.free(a);
  m.policy.free(b);
  EXPECT_TRUE(m.policy.best_fit(16_MiB, 0, kDefaultPool).is_none());
  m.device.complete(*m.device.events().begin());
  EXPECT_FALSE(m.policy.best_fit(16_MiB, 0, kDefaultPool).is_none());
}

TEST(CachingPolicy, LooksForCompletedEventsBeforeItSearches) {
  Machine m;
  const BlockId a = m.get(20_MiB);
  m.policy.record_stream(a, 7);
  m.policy.free(a);
  EXPECT_EQ(m.at(m.get(20_MiB)), 0_B);
  EXPECT_EQ(m.asked(), "+20");
}

// ---- In a capture (5.5) ----

TEST(CachingPolicy, ParksWhatOtherStreamsUseWhileACaptureIsOpen) {
  Machine m;
  const BlockId a = m.get(20_MiB);
  m.policy.record_stream(a, 7);
  m.policy.set_scope(Scope::kCapture);
  m.policy.free(a);
  EXPECT_TRUE(m.device.events().empty());
  m.get(20_MiB);
  EXPECT_EQ(m.asked(), "+20 +20");
  EXPECT_EQ(m.fault(), "");
  m.policy.set_scope(Scope::kNone);
  EXPECT_EQ(m.at(m.get(20_MiB)), 0_B) << "the next request outside gives it its events, and they complete";
}

TEST(CachingPolicy, FreesAtOnceInACaptureWhatNoOtherStreamUses) {
  Machine m;
  m.policy.set_scope(Scope::kCapture);
  m.policy.free(m.get(20_MiB));
  EXPECT_EQ(m.policy.statistics().active.current, 0_B);
}

TEST(CachingPolicy, DropsTheUsesThatWereRecordedInACapture) {
  Machine m;
  m.device.polled = DeviceForTests::Polled::kNone;
  const BlockId a = m.get(20_MiB);
  m.policy.set_scope(Scope::kCapture);
  m.policy.record_stream(a, 7);
  m.policy.free(a);
  m.policy.set_scope(Scope::kNone);
  EXPECT_EQ(m.at(m.get(20_MiB)), 0_B);
  EXPECT_TRUE(m.device.events().empty());
}

TEST(CachingPolicy, DropsAUseRecordedInACaptureThoughItWasRecordedBefore) {
  Machine m;
  m.device.polled = DeviceForTests::Polled::kNone;
  const BlockId a = m.get(20_MiB);
  m.policy.record_stream(a, 7);
  m.policy.set_scope(Scope::kCapture);
  m.policy.record_stream(a, 7);
  m.policy.free(a);
  m.policy.set_scope(Scope::kNone);
  EXPECT_EQ(m.at(m.get(20_MiB)), 0_B);
  EXPECT_TRUE(m.device.events().empty());
}

TEST(CachingPolicy, ReleasesNothingOfTheDefaultPoolsInACapture) {
  Machine m({}, with_memory(30_MiB));
  m.policy.free(m.get(20_MiB));
  m.policy.set_scope(Scope::kCapture);
  m.policy.empty_cache();
  EXPECT_TRUE(m.get(20_MiB, 7).is_none());
  EXPECT_EQ(m.asked(), "+20 +20!");
  EXPECT_EQ(m.policy.statistics().num_alloc_retries, 0U);
}

TEST(CachingPolicy, TakesAMemPoolScopeForACaptureUpTo2_12Alone) {
  for (const auto& [version, released] : {std::pair(Version{2, 12}, false), std::pair(Version{2, 13}, true)}) {
    Machine m({.rules = rules_of(version)});
    m.policy.free(m.get(20_MiB));
    m.policy.set_scope(Scope::kMemPool);
    m.policy.empty_cache();
    EXPECT_EQ(m.reserved() == 0_B, released);
  }
}

}  // namespace
}  // namespace unfrag::alloc
