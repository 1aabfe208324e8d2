// Where a reservation lies, as the entries after a request tell it, and what looking for it may cost.
#include "replay/reservation_base.h"

#include <gtest/gtest.h>

#include "alloc/rounding.h"
#include "trace/builder.h"

namespace unfrag::replay {
namespace {

using trace::Action;

constexpr uint64_t kPlace = 0x7000'0000'0000;
constexpr alloc::Owner kLarge{.stream = 0, .pool = alloc::kDefaultPool, .small = false};

/// So many entries that say nothing, then one that maps pages.
class Entries {
 public:
  explicit Entries(uint32_t before) {
    for (uint32_t i = 0; i < before; ++i) add(Action::kAlloc, 0, 512);
    add(Action::kSegmentMap, kPlace, 20 << 20);
  }
  [[nodiscard]] ReservationBases bases() const { return {builder_.trace, device_}; }

 private:
  void add(Action action, uint64_t addr, uint64_t size) {
    trace::EventFields event;
    event.action = action;
    event.addr = addr;
    event.size = size;
    builder_.add_event(event);
    ++device_.event_count;
  }
  trace::Builder builder_;
  trace::Device device_;
};

TEST(ReservationBases, AreWhereTheNextPagesOfTheOwnerAreMapped) {
  const Entries entries(1000);
  SimulatedDevice simulated({}, Direction::kUp, nullptr);
  ReservationBases bases = entries.bases();
  EXPECT_EQ(bases.find(kLarge, simulated), kPlace);
  EXPECT_FALSE(bases.find({.stream = 7, .pool = alloc::kDefaultPool, .small = false}, simulated));
  EXPECT_FALSE(bases.find({.stream = 0, .pool = alloc::kDefaultPool, .small = true}, simulated));
  simulated.adopt_reservation(Address(kPlace), 40_MiB, kLarge);
  EXPECT_FALSE(bases.find(kLarge, simulated)) << "reserved before";
}

TEST(ReservationBases, AreLookedForOnlyAsMuchAsAProgramGivesCauseFor) {
  const Entries entries(60'000);
  const SimulatedDevice simulated({}, Direction::kUp, nullptr);
  ReservationBases bases = entries.bases();
  int found = 0;
  while (found < 100'000 && bases.find(kLarge, simulated)) ++found;
  EXPECT_GT(found, 1000);
  EXPECT_LT(found, 1200);
  EXPECT_FALSE(bases.find(kLarge, simulated));
}

}  // namespace
}  // namespace unfrag::replay
