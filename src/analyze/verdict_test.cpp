#include "analyze/verdict.h"

#include <gtest/gtest.h>

#include "analyze/state_builder.h"

namespace unfrag::analyze {
namespace {

using Kinds = std::vector<VerdictKind>;

/// A situation, and the verdict of a request of so many MiB that failed with so many left at the driver.
class Case {
 public:
  explicit Case(const MemoryState& state) : state_(state) {
    for (const PlacedSegment& segment : state_.segments) {
      where_.reserved += Bytes(segment.run.size);
      where_.requested += segment.active - segment.pending;
      where_.pending += segment.pending;
      (segment.block_count == 0 ? where_.free_segments : where_.free_in_segments) += segment.free;
      if (segment.block_count == 0) holes_.releasable += segment.free;
      holes_.free += segment.free;
    }
  }
  Case& rise(uint64_t mib) {
    rise_ = Bytes(mib * kTestMiB);
    return *this;
  }
  Case& card(const Card& card) {
    card_ = card;
    return *this;
  }
  [[nodiscard]] Verdict failed(uint64_t mib, uint64_t device_free_mib, uint64_t most_reserved_mib = 0) const {
    const Request request = request_of(mib);
    const Allowance allowance = allowance_at({.reserved = where_.reserved,
                                              .most_reserved = Bytes(most_reserved_mib * kTestMiB),
                                              .device_free = Bytes(device_free_mib * kTestMiB),
                                              .segment = request.segment,
                                              .driver = request.driver},
                                             card_);
    return judge_failed(situation(), request, allowance);
  }
  [[nodiscard]] Verdict wanted(uint64_t mib) const {
    const Request request = request_of(mib);
    return judge_wanted(situation(), request, allowance_for(where_.reserved, request, card_, {}));
  }
  [[nodiscard]] Verdict state() const { return judge_state(situation()); }

 private:
  static Request request_of(uint64_t mib) { return make_request(Bytes(mib * kTestMiB), 0, {}, {}); }
  [[nodiscard]] Situation situation() const {
    return {.state = state_, .where = where_, .holes = holes_, .rise = rise_};
  }

  MemoryState state_;
  Where where_;
  Fragmentation holes_;
  Bytes rise_;
  Card card_;
};

/// 1,000 MiB of which every other 50 MiB are in use.
MemoryState striped() {
  StateBuilder builder;
  builder.segment(0, 1000);
  for (uint64_t at = 0; at < 1000; at += 100) builder.block(at, 50);
  return builder.state();
}
/// 1,000 MiB in use but for the last `free`.
MemoryState full_but(uint64_t free) {
  StateBuilder builder;
  return builder.segment(0, 1000).block(0, 1000 - free).state();
}

TEST(Verdict, BytesEnoughButNoHoleIsFragmentation) {
  const Verdict verdict = Case(striped()).failed(200, 10);
  EXPECT_EQ(verdict.kind, VerdictKind::kFragmentation);
  EXPECT_TRUE(verdict.also.empty());
  EXPECT_EQ(verdict.evidence.allowance.may, 1010_MiB);
  EXPECT_EQ(verdict.evidence.need, 700_MiB);
  EXPECT_EQ(verdict.evidence.spare, static_cast<int64_t>((310_MiB).value()));
}

TEST(Verdict, LittleToSpareIsCapacityEvenWithRoomInHoles) {
  EXPECT_EQ(Case(full_but(20)).failed(30, 20).kind, VerdictKind::kCapacity);
  EXPECT_EQ(Case(full_but(20)).failed(30, 20).also, Kinds{VerdictKind::kFragmentation});
  EXPECT_EQ(Case(full_but(20)).failed(100, 20).kind, VerdictKind::kCapacity);
  EXPECT_TRUE(Case(full_but(20)).failed(100, 20).also.empty());
}

TEST(Verdict, TheLineOfCapacityIsAtFivePercent) {
  // May have 1,000 MiB, uses 900; the holes are too small for any of these.
  StateBuilder builder;
  builder.segment(0, 1000).block(0, 10).block(20, 60).block(110, 360).block(500, 470);
  EXPECT_EQ(Case(builder.state()).failed(50, 0).evidence.spare, static_cast<int64_t>((50_MiB).value()));
  EXPECT_EQ(Case(builder.state()).failed(50, 0).kind, VerdictKind::kFragmentation);
  EXPECT_EQ(Case(builder.state()).failed(51, 0).kind, VerdictKind::kCapacity);
}

TEST(Verdict, RoomOnTheDeviceMeansThatALimitRefused) {
  const Verdict verdict = Case(full_but(20)).failed(100, 5000, 1020);
  EXPECT_EQ(verdict.kind, VerdictKind::kLimit);
  EXPECT_EQ(verdict.evidence.allowance.may, 1020_MiB);
  EXPECT_EQ(verdict.also, Kinds{VerdictKind::kCapacity});
}

TEST(Verdict, TheLastFewMiBOfADriverAreNoRoom) {
  EXPECT_EQ(Case(full_but(0)).failed(20, 24).kind, VerdictKind::kCapacity);
  EXPECT_EQ(Case(full_but(0)).failed(20, 60).kind, VerdictKind::kLimit);
}

TEST(Verdict, AFractionOfAKnownCardIsALimitToo) {
  const Card card{.memory = 4096_MiB, .fraction = 0.25};
  EXPECT_EQ(Case(full_but(0)).card(card).failed(30, 40).kind, VerdictKind::kLimit);
  EXPECT_EQ(Case(full_but(0)).card({.memory = 4096_MiB}).failed(30, 20).kind, VerdictKind::kOutside);
}

TEST(Verdict, MemoryOfOthersThatWouldHaveServedIsOutside) {
  const Case others = Case(full_but(0)).card({.memory = 4096_MiB, .context = 500_MiB});
  EXPECT_EQ(others.failed(200, 50).kind, VerdictKind::kOutside);
  EXPECT_EQ(others.failed(200, 50).evidence.allowance.outside, Bytes((4096 - 500 - 1050) * kTestMiB));
  EXPECT_EQ(others.failed(2700, 50).kind, VerdictKind::kCapacity);
  const Case alone = Case(full_but(0)).card({.memory = 1550_MiB, .context = 500_MiB});
  EXPECT_EQ(alone.failed(200, 50).kind, VerdictKind::kCapacity);
}

TEST(Verdict, AContextIsNotSomebodyElse) {
  EXPECT_EQ(Case(full_but(0)).card({.memory = 1600_MiB}).failed(200, 50).kind, VerdictKind::kCapacity);
}

TEST(Verdict, ARiseThatTookWhatWasMissingIsGrowth) {
  const Verdict verdict = Case(full_but(10)).rise(300).failed(200, 10);
  EXPECT_EQ(verdict.kind, VerdictKind::kGrowth);
  EXPECT_EQ(verdict.also, Kinds{VerdictKind::kCapacity});
  EXPECT_EQ(Case(full_but(10)).rise(3).failed(200, 10).kind, VerdictKind::kCapacity);
}

TEST(Verdict, AHoleOfAnotherStreamOrPoolIsStranded) {
  StateBuilder builder;
  builder.segment(0, 400).block(0, 400);
  builder.segment(1000, 600, /*stream=*/7).block(1000, 50);
  EXPECT_EQ(Case(builder.state()).failed(200, 0).kind, VerdictKind::kStranded);
  EXPECT_EQ(Case(builder.state()).failed(200, 0).also, Kinds{VerdictKind::kFragmentation});
  StateBuilder pools;
  pools.segment(0, 400).block(0, 400);
  pools.segment(1000, 600, 0, {0, 1}).block(1000, 50);
  EXPECT_EQ(Case(pools.state()).failed(200, 0).kind, VerdictKind::kStranded);
}

TEST(Verdict, BlocksThatWaitForAStreamStrandTheirHole) {
  StateBuilder builder;
  builder.segment(0, 1000).block(0, 400).pending(400, 300).block(700, 300);
  const Verdict verdict = Case(builder.state()).failed(300, 100);
  EXPECT_EQ(verdict.evidence.room->hole_after_pending, 300_MiB);
  EXPECT_EQ(verdict.kind, VerdictKind::kCapacity);  // pending blocks count as active
  EXPECT_EQ(verdict.also.front(), VerdictKind::kStranded);
}

TEST(Verdict, AHoleThatShouldHaveServedLeavesItUndecided) {
  const Verdict verdict = Case(full_but(400)).failed(200, 0);
  EXPECT_EQ(verdict.kind, VerdictKind::kUndecided);
  EXPECT_EQ(verdict.doubt, Doubt::kHoleThatServes);
}

TEST(VerdictOfAWish, SaysWhereItWouldBeServedFrom) {
  const Card card{.memory = 2000_MiB};
  EXPECT_EQ(Case(full_but(300)).wanted(200).served, Served::kFromHole);
  EXPECT_EQ(Case(full_but(100)).card(card).wanted(200).served, Served::kFromDriver);
  StateBuilder builder;
  builder.segment(0, 1000).block(0, 1000);
  builder.segment(2000, 800);
  EXPECT_EQ(Case(builder.state()).card(card).wanted(900).served, Served::kAfterRelease);
  EXPECT_EQ(Case(builder.state()).card(card).wanted(900).kind, VerdictKind::kHealthy);
  EXPECT_EQ(Case(builder.state()).card(card).wanted(1100).kind, VerdictKind::kCapacity);
}

TEST(VerdictOfAWish, WithoutTheCardItCannotBeTold) {
  const Verdict verdict = Case(full_but(100)).wanted(200);
  EXPECT_EQ(verdict.kind, VerdictKind::kUndecided);
  EXPECT_EQ(verdict.doubt, Doubt::kNoCapacity);
}

TEST(VerdictOfAWish, AFractionLimitsWhatIsLeft) {
  const Card card{.memory = 2000_MiB, .fraction = 0.55};
  EXPECT_EQ(Case(full_but(0)).card(card).wanted(90).served, Served::kFromDriver);
  EXPECT_EQ(Case(full_but(0)).card(card).wanted(200).kind, VerdictKind::kLimit);
}

TEST(VerdictOfAState, FreeSegmentsAreCacheAndHolesFragmentation) {
  StateBuilder cached;
  cached.segment(0, 500).block(0, 500);
  cached.segment(1000, 100);
  EXPECT_EQ(Case(cached.state()).state().kind, VerdictKind::kCache);
  EXPECT_EQ(Case(striped()).state().kind, VerdictKind::kFragmentation);
  EXPECT_EQ(Case(full_but(90)).state().kind, VerdictKind::kHealthy);  // 9 %
  EXPECT_EQ(Case(striped()).rise(1).state().kind, VerdictKind::kGrowth);
  EXPECT_EQ(Case(striped()).rise(1).state().also, Kinds{VerdictKind::kFragmentation});
}

TEST(VerdictOfAState, SmallSumsAreNotWorthAWord) {
  StateBuilder builder;
  builder.segment(0, 10).block(0, 1);
  builder.segment(100, 64);
  EXPECT_EQ(Case(builder.state()).state().kind, VerdictKind::kHealthy);
}

}  // namespace
}  // namespace unfrag::analyze
