#include "replay/history.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "trace/builder.h"

namespace unfrag::replay {
namespace {

using trace::Action;
using trace::BlockState;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kBase = 0x7000'0000'0000;

/// A recording of one device, entry by entry, and the state it ends in.
class Recording {
 public:
  explicit Recording(trace::DeviceKind kind = trace::DeviceKind::kGpu) { device_.kind = kind; }

  Recording& entry(Action action, uint64_t offset, uint64_t size) {
    trace::EventFields event;
    event.action = action;
    event.addr = kBase + offset;
    event.size = size;
    builder_.add_event(event);
    ++device_.event_count;
    return *this;
  }
  Recording& alloc(uint64_t offset, uint64_t size) { return entry(Action::kAlloc, offset, size); }
  Recording& free_requested(uint64_t offset, uint64_t size) { return entry(Action::kFreeRequested, offset, size); }
  Recording& free_completed(uint64_t offset, uint64_t size) { return entry(Action::kFreeCompleted, offset, size); }
  Recording& free(uint64_t offset, uint64_t size) { return free_requested(offset, size).free_completed(offset, size); }
  Recording& segment_alloc(uint64_t offset, uint64_t size) { return entry(Action::kSegmentAlloc, offset, size); }

  /// A segment of the final state; `block` adds to the latest.
  Recording& segment(uint64_t offset, uint64_t size, bool expandable = false) {
    trace::Segment& added = builder_.trace.segments.emplace_back();
    added.addr = Address(kBase + offset);
    added.total = Bytes(size);
    added.expandable = expandable;
    added.first_block = static_cast<uint32_t>(builder_.trace.blocks.size_rows());
    ++device_.segment_count;
    return *this;
  }
  Recording& block(uint64_t offset, uint64_t size, uint64_t requested, BlockState state = BlockState::kAllocated) {
    builder_.add_block({.addr = kBase + offset, .size = size, .requested = requested, .state = state});
    ++builder_.trace.segments.back().block_count;
    return *this;
  }
  Recording& truncated() {
    builder_.trace.truncated = true;
    return *this;
  }

  [[nodiscard]] History history() const { return build_history(builder_.trace, device_); }

 private:
  trace::Builder builder_;
  trace::Device device_;
};

std::string moment(uint32_t entry) {
  if (entry == kBefore) return "before";
  return entry == kNever ? "never" : std::to_string(entry);
}

/// "512+512 of 100: 1 to 2, 3": offset, size, requested, alloc, free requested and completed.
std::string text_of(const Life& life) {
  return std::to_string(life.addr - kBase) + "+" + std::to_string(life.size) + " of " + std::to_string(life.requested) +
         ": " + moment(life.alloc) + " to " + moment(life.free_requested) + ", " + moment(life.free_completed);
}
std::vector<std::string> lives(const History& history) {
  std::vector<std::string> texts;
  texts.reserve(history.lives.size());
  for (size_t i = 0; i < history.lives.size(); ++i) texts.push_back(text_of(history.lives[i]));
  return texts;
}
using Lives = std::vector<std::string>;

TEST(History, TellsTheWholeLifeOfEachBlock) {
  Recording recording;
  recording.segment_alloc(0, 2 * kMiB).alloc(0, 100).alloc(512, 600).free(0, 100).alloc(0, 512);
  recording.segment(0, 2 * kMiB)
      .block(0, 512, 512)
      .block(512, 1024, 600)
      .block(1536, 2 * kMiB - 1536, 0, BlockState::kInactive);
  const History history = recording.history();
  EXPECT_EQ(lives(history), (Lives{"0+512 of 100: 1 to 3, 4", "512+1024 of 600: 2 to never, never",
                                   "0+512 of 512: 5 to never, never"}));
  EXPECT_TRUE(history.complete);
  EXPECT_FALSE(history.sizes_are_lower_bounds);
  EXPECT_EQ(history.contradictions, 0U);
  EXPECT_TRUE(history.initial_segments.empty());
  EXPECT_EQ(history.segment_entries, (std::vector<uint32_t>{0}));
  ASSERT_EQ(history.life_of_entry.size(), 6U);
  EXPECT_EQ(history.life_of_entry[0], kNoLife);
  EXPECT_EQ(history.life_of_entry[3], 0U);
  EXPECT_EQ(history.life_of_entry[5], 2U);
}

TEST(History, IsEmptyForADeviceWithoutARecording) {
  Recording recording;
  const History history = recording.history();
  EXPECT_EQ(history.lives.size(), 0U);
  EXPECT_TRUE(history.complete);
}

TEST(History, KnowsWhatWasAliveBeforeARecordingThatBeginsMidWay) {
  Recording recording;
  recording.free(0, 100).free_completed(512, 100).alloc(1024, 100);
  recording.segment(0, 2 * kMiB)
      .block(1024, 512, 100)
      .block(1536, 512, 300)
      .block(2048, 512, 400, BlockState::kPendingFree);
  const History history = recording.history();
  EXPECT_EQ(lives(history), (Lives{"0+512 of 100: before to 0, 1", "512+512 of 100: before to before, 2",
                                   "1024+512 of 100: 3 to never, never", "1536+512 of 300: before to never, never",
                                   "2048+512 of 400: before to before, never"}));
  EXPECT_FALSE(history.complete);
  EXPECT_EQ(history.contradictions, 0U);
  EXPECT_EQ(history.initial_segments.runs().size(), 1U);
}

TEST(History, UndoesSegmentEntriesToFindWhereItBegan) {
  Recording recording;
  recording.entry(Action::kSegmentFree, 0, 2 * kMiB).segment_alloc(8 * kMiB, 20 * kMiB).segment(8 * kMiB, 20 * kMiB);
  const History history = recording.history();
  ASSERT_EQ(history.initial_segments.runs().size(), 1U);
  EXPECT_EQ(history.initial_segments.runs().begin()->second.addr, kBase);
  EXPECT_FALSE(history.complete);
  EXPECT_EQ(history.contradictions, 0U);
}

TEST(History, WorksWithoutTheRequestsOfFrees) {
  Recording recording;
  recording.alloc(0, 100).free_completed(0, 100).free_completed(512, 100);
  recording.segment(0, 2 * kMiB);
  const History history = recording.history();
  EXPECT_EQ(lives(history), (Lives{"0+512 of 100: 0 to 1, 1", "512+512 of 100: before to 2, 2"}));
  EXPECT_EQ(history.contradictions, 0U);
}

TEST(History, WorksWithoutTheCompletionsOfFrees) {
  Recording recording;
  recording.alloc(0, 100).free_requested(0, 100).free_requested(512, 100).alloc(0, 200);
  recording.segment(0, 2 * kMiB).block(0, 512, 200);
  const History history = recording.history();
  EXPECT_EQ(lives(history),
            (Lives{"0+512 of 100: 0 to 1, 1", "512+512 of 100: before to 2, 2", "0+512 of 200: 3 to never, never"}));
  EXPECT_EQ(history.contradictions, 0U);
}

TEST(History, EndsALifeWhoseFreeWasLostWhenItsPlaceIsHandedOutAgain) {
  Recording recording;
  recording.segment_alloc(0, 2 * kMiB)
      .alloc(0, 100)
      .alloc(0, 200)
      .alloc(512, 100)
      .free_requested(512, 100)
      .alloc(512, 7);
  recording.segment(0, 2 * kMiB).block(0, 512, 200).block(512, 512, 7);
  const History history = recording.history();
  EXPECT_EQ(lives(history), (Lives{"0+512 of 100: 1 to 2, 2", "0+512 of 200: 2 to never, never",
                                   "512+512 of 100: 3 to 4, 4", "512+512 of 7: 5 to never, never"}));
  EXPECT_EQ(history.lost_frees, (std::vector<std::pair<uint32_t, uint32_t>>{{2, 0}}))
      << "the second is a recording without completions";
  EXPECT_EQ(history.contradictions, 1U);
  EXPECT_EQ(history.first_contradiction, 2U);
  EXPECT_FALSE(history.complete);
}

TEST(History, EndsAPendingLifeWhoseCompletionWasLost) {
  Recording recording;
  recording.segment_alloc(0, 2 * kMiB).alloc(0, 100).free_requested(0, 100).alloc(0, 200).alloc(512, 1).free(512, 1);
  recording.segment(0, 2 * kMiB).block(0, 512, 200);
  const History history = recording.history();
  EXPECT_EQ(lives(history)[0], "0+512 of 100: 1 to 2, 3");
  EXPECT_EQ(history.lost_frees, (std::vector<std::pair<uint32_t, uint32_t>>{{3, 0}}));
  EXPECT_EQ(history.contradictions, 1U);
}

TEST(History, LetsABlockWaitForOtherStreams) {
  Recording recording;
  recording.segment_alloc(0, 2 * kMiB).alloc(0, 100).free_requested(0, 100).alloc(512, 100).free(512, 100);
  recording.segment(0, 2 * kMiB).block(0, 512, 100, BlockState::kPendingFree);
  const History history = recording.history();
  ASSERT_EQ(lives(history)[0], "0+512 of 100: 1 to 2, never");
  EXPECT_EQ(history.contradictions, 0U);
  const Life& life = history.lives[0];
  EXPECT_FALSE(active_at(life, 0));
  EXPECT_TRUE(active_at(life, 1));
  EXPECT_TRUE(allocated_at(life, 1));
  EXPECT_TRUE(active_at(life, 2));
  EXPECT_FALSE(allocated_at(life, 2));
  EXPECT_FALSE(active_at(life, kBefore));
}

TEST(History, TakesSizesFromTheFinalBlocks) {
  Recording recording;
  recording.segment_alloc(0, 20 * kMiB).alloc(0, 3 * kMiB + 1).alloc(8 * kMiB, 2 * kMiB).free(8 * kMiB, 2 * kMiB);
  recording.segment(0, 20 * kMiB).block(0, 4 * kMiB, 3 * kMiB + 1);
  const History history = recording.history();
  EXPECT_EQ(history.lives[0].size, 4 * kMiB) << "a large block of a plain segment may keep what is left over";
  EXPECT_TRUE(history.lives[0].size_exact);
  EXPECT_EQ(history.lives[1].size, 2 * kMiB);
  EXPECT_FALSE(history.lives[1].size_exact);
  EXPECT_TRUE(history.sizes_are_lower_bounds);
}

TEST(History, KnowsExactSizesInExpandableSegments) {
  Recording recording;
  recording.entry(Action::kSegmentMap, 0, 20 * kMiB).alloc(0, 3 * kMiB + 1).free(0, 3 * kMiB + 1);
  recording.segment(0, 20 * kMiB, /*expandable=*/true);
  const History history = recording.history();
  EXPECT_EQ(history.lives[0].size, 3 * kMiB + 512);
  EXPECT_TRUE(history.lives[0].size_exact);
  EXPECT_FALSE(history.sizes_are_lower_bounds);
}

TEST(History, RoundsHostMemoryToPowersOfTwo) {
  Recording recording(trace::DeviceKind::kHost);
  recording.segment_alloc(0, 4 * kMiB).alloc(0, 3 * kMiB).free(0, 3 * kMiB).segment(0, 4 * kMiB);
  const History history = recording.history();
  EXPECT_EQ(lives(history), (Lives{"0+4194304 of 3145728: 1 to 2, 3"}));
  EXPECT_TRUE(history.lives[0].size_exact);
}

TEST(History, OfATruncatedTraceBeginsAtItsStart) {
  // The segments were not read, or are those of a later moment: only the entries can tell.
  Recording recording;
  recording.segment_alloc(0, 2 * kMiB).alloc(0, 100).free(0, 100).alloc(512, 100).truncated();
  const History history = recording.history();
  EXPECT_EQ(lives(history), (Lives{"0+512 of 100: 1 to 2, 3", "512+512 of 100: 4 to never, never"}));
  EXPECT_TRUE(history.complete);
  EXPECT_EQ(history.contradictions, 0U);
  EXPECT_TRUE(history.initial_segments.empty());
}

TEST(History, OfATruncatedTraceThatBeginsMidWayIsNotComplete) {
  Recording recording;
  recording.alloc(0, 100).free(0, 100).alloc(512, 100).truncated();
  EXPECT_FALSE(recording.history().complete);
}

TEST(History, NoticesABlockThatWasHandedOutWhileTheSnapshotWasTaken) {
  Recording recording;
  recording.segment_alloc(0, 2 * kMiB).alloc(0, 100).alloc(512, 100);
  recording.segment(0, 2 * kMiB).block(0, 512, 100);
  const History history = recording.history();
  EXPECT_EQ(lives(history), (Lives{"0+512 of 100: 1 to never, never", "512+512 of 100: 2 to never, never"}));
  EXPECT_EQ(history.contradictions, 1U);
  EXPECT_EQ(history.first_contradiction, 2U);
}

TEST(History, CountsSegmentEntriesThatDoNotFitTheFinalSegments) {
  Recording recording;
  recording.segment_alloc(0, 2 * kMiB).segment_alloc(8 * kMiB, 2 * kMiB).segment(0, 2 * kMiB);
  const History history = recording.history();
  EXPECT_EQ(history.contradictions, 1U);
  EXPECT_EQ(history.first_contradiction, 1U);
}

}  // namespace
}  // namespace unfrag::replay
