#include "replay/segment_map.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "trace/builder.h"

namespace unfrag::replay {
namespace {

using trace::Action;
using trace::PoolKind;

constexpr uint64_t kMiB = 1 << 20;

Run plain(uint64_t addr, uint64_t size) { return {.addr = addr, .size = size, .kind = PoolKind::kLarge}; }
Run mapped(uint64_t addr, uint64_t size, int64_t stream = 0) {
  return {.addr = addr, .size = size, .stream = stream, .kind = PoolKind::kLarge, .expandable = true};
}

/// "0+10 30+5e": start, size, and e for expandable.
std::string text_of(const SegmentMap& map) {
  std::string text;
  for (const auto& [addr, run] : map.runs()) {
    EXPECT_EQ(addr, run.addr);
    text += fmt::format("{}{}+{}{}", text.empty() ? "" : " ", run.addr, run.size, run.expandable ? "e" : "");
  }
  return text;
}

TEST(SegmentMap, KeepsPlainSegmentsApartThatTouch) {
  SegmentMap map;
  map.add(plain(0, 10));
  map.add(plain(20, 10));
  map.add(plain(10, 10));
  EXPECT_EQ(text_of(map), "0+10 10+10 20+10");
}

TEST(SegmentMap, JoinsMappedRangesThatTouch) {
  SegmentMap map;
  map.add(mapped(0, 10));
  map.add(mapped(20, 10));
  EXPECT_EQ(text_of(map), "0+10e 20+10e");
  map.add(mapped(10, 10));
  EXPECT_EQ(text_of(map), "0+30e");
}

TEST(SegmentMap, KeepsMappedRangesOfDifferentOwnersApart) {
  SegmentMap map;
  map.add(mapped(0, 10, 1));
  map.add(mapped(10, 10, 2));
  replay::Run pool = mapped(20, 10, 2);
  pool.pool = {0, 1};
  map.add(pool);
  replay::Run small = pool;
  small.addr = 30;
  small.kind = PoolKind::kSmall;
  map.add(small);
  map.add(plain(40, 10));
  EXPECT_EQ(text_of(map), "0+10e 10+10e 20+10e 30+10e 40+10");
}

TEST(SegmentMap, CutsARunInTwo) {
  SegmentMap map;
  map.add(mapped(100, 100));
  EXPECT_TRUE(map.remove(120, 30));
  EXPECT_EQ(text_of(map), "100+20e 150+50e");
}

TEST(SegmentMap, RemovesAcrossSeveralRuns) {
  SegmentMap map;
  map.add(plain(0, 10));
  map.add(plain(10, 10));
  map.add(plain(20, 10));
  EXPECT_TRUE(map.remove(5, 20));
  EXPECT_EQ(text_of(map), "0+5 25+5");
}

TEST(SegmentMap, SaysWhereNotAllOfARangeIsThere) {
  SegmentMap map;
  map.add(plain(0, 10));
  map.add(plain(20, 10));
  EXPECT_FALSE(map.remove(5, 20));
  EXPECT_EQ(text_of(map), "0+5 25+5");
  EXPECT_FALSE(map.remove(100, 1));
  EXPECT_EQ(text_of(map), "0+5 25+5");
}

TEST(SegmentMap, FindsTheRunThatHoldsAnAddress) {
  SegmentMap map;
  EXPECT_EQ(map.find(0), nullptr);
  map.add(plain(10, 10));
  EXPECT_EQ(map.find(9), nullptr);
  ASSERT_NE(map.find(10), nullptr);
  EXPECT_EQ(map.find(19)->addr, 10U);
  EXPECT_EQ(map.find(20), nullptr);
}

// --- Against a map of every byte ---

/// Who owns each byte: which plain segment, or which stream's pages.
class ByteMap {
 public:
  static constexpr uint64_t kBytes = 48;

  void add(const Run& run) {
    const int owner = run.expandable ? static_cast<int>(-1 - run.stream) : ++plain_segments_;
    for (uint64_t i = run.addr; i < run.end(); ++i) owners_[i] = owner;
  }
  bool remove(uint64_t addr, uint64_t size) {
    bool all = true;
    for (uint64_t i = addr; i < addr + size; ++i) {
      all = all && owners_[i].has_value();
      owners_[i].reset();
    }
    return all;
  }
  [[nodiscard]] bool is_free(uint64_t addr, uint64_t size) const {
    for (uint64_t i = addr; i < addr + size; ++i) {
      if (owners_[i]) return false;
    }
    return true;
  }
  [[nodiscard]] bool holds(uint64_t addr) const { return owners_[addr].has_value(); }

  [[nodiscard]] std::string text() const {
    std::string text;
    for (uint64_t i = 0; i < kBytes;) {
      uint64_t end = i + 1;
      while (end < kBytes && owners_[end] == owners_[i]) ++end;
      if (owners_[i]) text += fmt::format("{}{}+{}{}", text.empty() ? "" : " ", i, end - i, *owners_[i] < 0 ? "e" : "");
      i = end;
    }
    return text;
  }

 private:
  std::array<std::optional<int>, kBytes> owners_;
  int plain_segments_ = 0;
};

TEST(SegmentMap, AgreesWithAMapOfEveryByte) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::minstd_rand random(seed);
    const auto below = [&](uint64_t limit) { return random() / 7 % limit; };
    SegmentMap map;
    ByteMap model;
    std::string program;
    for (int step = 0; step < 60; ++step) {
      const uint64_t addr = below(ByteMap::kBytes - 1);
      const uint64_t size = 1 + below(std::min<uint64_t>(12, ByteMap::kBytes - addr));
      if (below(2) == 0 && model.is_free(addr, size)) {
        const replay::Run run = below(3) == 0 ? plain(addr, size) : mapped(addr, size, static_cast<int64_t>(below(2)));
        program += fmt::format("add {}+{}{}; ", addr, size, run.expandable ? "e" : "");
        map.add(run);
        model.add(run);
      } else {
        program += fmt::format("remove {}+{}; ", addr, size);
        ASSERT_EQ(map.remove(addr, size), model.remove(addr, size)) << program;
      }
      ASSERT_EQ(text_of(map), model.text()) << program;
      for (uint64_t at = 0; at < ByteMap::kBytes; ++at) {
        const replay::Run* run = map.find(at);
        ASSERT_EQ(run != nullptr, model.holds(at)) << program << at;
        ASSERT_TRUE(run == nullptr || (run->addr <= at && at < run->end())) << program << at;
      }
    }
  }
}

// --- Entries ---

class Entries {
 public:
  Entries& add(Action action, uint64_t addr, uint64_t size, int64_t stream = 0) {
    trace::EventFields event;
    event.action = action;
    event.addr = addr;
    event.size = size;
    event.context.stream = stream;
    builder_.add_event(event);
    return *this;
  }
  [[nodiscard]] const trace::Trace& trace() const { return builder_.trace; }

 private:
  trace::Builder builder_;
};

TEST(SegmentMap, PlaysEntriesForwardAndBackward) {
  Entries entries;
  entries.add(Action::kSegmentAlloc, 0, 2 * kMiB)
      .add(Action::kSegmentMap, 100 * kMiB, 20 * kMiB)
      .add(Action::kAlloc, 0, 512)
      .add(Action::kSegmentMap, 120 * kMiB, 20 * kMiB)
      .add(Action::kSegmentUnmap, 100 * kMiB, 20 * kMiB)
      .add(Action::kSegmentFree, 0, 2 * kMiB);
  SegmentMap map;
  std::vector<std::string> texts;
  for (size_t i = 0; i < 6; ++i) {
    texts.push_back(text_of(map));
    EXPECT_TRUE(play_forward(map, entries.trace(), i)) << i;
  }
  EXPECT_EQ(text_of(map), fmt::format("{}+{}e", 120 * kMiB, 20 * kMiB));
  for (size_t i = 6; i-- > 0;) {
    EXPECT_TRUE(play_backward(map, entries.trace(), i)) << i;
    EXPECT_EQ(text_of(map), texts[i]) << i;
  }
}

TEST(SegmentMap, NoticesEntriesThatContradictIt) {
  Entries entries;
  entries.add(Action::kSegmentAlloc, 0, 2 * kMiB).add(Action::kSegmentFree, 8 * kMiB, 2 * kMiB);
  SegmentMap map;
  EXPECT_TRUE(play_forward(map, entries.trace(), 0));
  EXPECT_FALSE(play_forward(map, entries.trace(), 0)) << "allocated where something is";
  EXPECT_FALSE(play_forward(map, entries.trace(), 1)) << "freed where nothing is";
  EXPECT_TRUE(play_backward(map, entries.trace(), 1));
  EXPECT_FALSE(play_backward(map, entries.trace(), 1)) << "freed where something was";
}

TEST(SegmentMap, TellsThePoolOfASegmentFromItsSize) {
  Entries entries;
  entries.add(Action::kSegmentAlloc, 0, 2 * kMiB)
      .add(Action::kSegmentAlloc, 0, 20 * kMiB)
      .add(Action::kSegmentMap, 0, 2 * kMiB)
      .add(Action::kSegmentMap, 0, 40 * kMiB);
  const SegmentMap nothing;
  EXPECT_EQ(run_of_event(entries.trace(), 0, nothing).kind, PoolKind::kSmall);
  EXPECT_EQ(run_of_event(entries.trace(), 1, nothing).kind, PoolKind::kLarge);
  EXPECT_EQ(run_of_event(entries.trace(), 2, nothing).kind, PoolKind::kSmall);
  EXPECT_EQ(run_of_event(entries.trace(), 3, nothing).kind, PoolKind::kLarge);
}

TEST(SegmentMap, TakesThePoolOfMappedPagesFromTheirNeighbours) {
  Entries entries;
  entries.add(Action::kSegmentMap, 20 * kMiB, 20 * kMiB, 7);
  for (const uint64_t neighbour : {uint64_t{0}, 40 * kMiB}) {
    SegmentMap map;
    replay::Run run = mapped(neighbour, 20 * kMiB, 7);
    run.kind = PoolKind::kSmall;
    run.pool = {0, 3};
    map.add(run);
    EXPECT_EQ(run_of_event(entries.trace(), 0, map).kind, PoolKind::kSmall);
    EXPECT_EQ(run_of_event(entries.trace(), 0, map).pool, (trace::PoolId{0, 3}));
    run.stream = 8;
    SegmentMap other_stream;
    other_stream.add(run);
    EXPECT_EQ(run_of_event(entries.trace(), 0, other_stream).kind, PoolKind::kLarge);
  }
}

TEST(SegmentMap, BeginsWithTheSegmentsOfTheSnapshot) {
  trace::Builder builder;
  for (const uint64_t addr : {uint64_t{0}, 20 * kMiB, 40 * kMiB}) {
    trace::Segment& segment = builder.trace.segments.emplace_back();
    segment.addr = Address(addr);
    segment.total = 20_MiB;
    segment.stream = 3;
    segment.expandable = true;
  }
  const trace::Device device{.first_segment = 1, .segment_count = 2};
  EXPECT_EQ(text_of(final_segments(builder.trace, device)), fmt::format("{}+{}e", 20 * kMiB, 40 * kMiB));
}

}  // namespace
}  // namespace unfrag::replay
