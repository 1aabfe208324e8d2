#include "analyze/holders.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

#include "trace/builder.h"

namespace unfrag::analyze {
namespace {

constexpr uint64_t kMiB = 1 << 20;

/// States made by hand, over stacks of one trace.
class Holders : public testing::Test {
 protected:
  trace::StackIdx stack(std::string_view function, uint32_t line) {
    const trace::FrameIdx frame = builder_.intern(
        trace::Frame{.name = builder_.intern(function), .filename = builder_.intern("train.py"), .line = line});
    return builder_.intern(std::span(&frame, 1));
  }

  /// A segment full of these blocks.
  static void add_segment(MemoryState& state, const std::vector<PlacedBlock>& blocks, int64_t stream = 0) {
    PlacedSegment& segment = state.segments.emplace_back();
    segment.run.addr = state.segments.size() << 32;
    segment.run.stream = stream;
    segment.first_block = static_cast<uint32_t>(state.blocks.size());
    segment.block_count = static_cast<uint32_t>(blocks.size());
    uint64_t addr = segment.run.addr;
    for (PlacedBlock block : blocks) {
      block.addr = addr;
      addr += block.size;
      state.blocks.push_back(block);
    }
    segment.run.size = addr - segment.run.addr;
  }
  static PlacedBlock block(trace::StackIdx stack, uint64_t size, bool pending = false) {
    return {.addr = 0, .size = size, .requested = size, .pending = pending, .stack = stack};
  }

  std::vector<Holder> find(Grouping grouping, const MemoryState& now, const MemoryState& at, const MemoryState& peak) {
    return find_holders(builder_.trace, UserCode(builder_.trace), grouping, now, at, peak);
  }
  std::vector<Holder> find(Grouping grouping, const MemoryState& state) { return find(grouping, state, state, state); }

  trace::Builder builder_;
};

TEST_F(Holders, GroupsBlocksByTheLineThatAskedForThem) {
  const auto a = stack("forward", 7), b = stack("forward", 9);
  MemoryState state;
  add_segment(state, {block(a, kMiB), block(b, 4 * kMiB), block(a, kMiB)});
  const auto holders = find(Grouping::kLine, state);
  ASSERT_EQ(holders.size(), 2U);
  EXPECT_EQ(holders[0].at.bytes, 4_MiB);
  EXPECT_EQ(holders[0].at.blocks, 1U);
  EXPECT_EQ(holders[0].stack, b);
  EXPECT_EQ(holders[0].origin, Origin::kUser);
  EXPECT_EQ(builder_.trace.frames[holders[0].frame].line, 9U);
  EXPECT_EQ(holders[1].at.bytes, 2_MiB);
  EXPECT_EQ(holders[1].at.blocks, 2U);
}

TEST_F(Holders, GroupsLinesByFunction) {
  MemoryState state;
  add_segment(state,
              {block(stack("forward", 7), kMiB), block(stack("forward", 9), 2 * kMiB), block(stack("step", 7), 512)});
  const auto holders = find(Grouping::kFunction, state);
  ASSERT_EQ(holders.size(), 2U);
  EXPECT_EQ(holders[0].at.bytes, 3_MiB);
  EXPECT_EQ(holders[0].stack, stack("forward", 9)) << "the stack that holds most of it";
}

TEST_F(Holders, GroupsByStreamAndBySegment) {
  const auto a = stack("f", 1);
  MemoryState state;
  add_segment(state, {block(a, kMiB)}, 3);
  add_segment(state, {block(a, kMiB), block(a, kMiB)}, 3);
  add_segment(state, {block(a, 512)}, -1);
  const auto by_stream = find(Grouping::kStream, state);
  ASSERT_EQ(by_stream.size(), 2U);
  EXPECT_EQ(by_stream[0].stream, 3);
  EXPECT_EQ(by_stream[0].at.blocks, 3U);
  EXPECT_EQ(by_stream[1].stream, -1);
  EXPECT_TRUE(by_stream[0].frame.is_none());
  const auto by_segment = find(Grouping::kSegment, state);
  ASSERT_EQ(by_segment.size(), 3U);
  EXPECT_EQ(by_segment[0].segment, uint64_t{2} << 32);
  EXPECT_EQ(by_segment[0].at.bytes, 2_MiB);
}

TEST_F(Holders, LeavesOutBlocksThatWaitForOtherStreams) {
  const auto a = stack("f", 1);
  MemoryState state;
  add_segment(state, {block(a, kMiB), block(a, kMiB, /*pending=*/true)});
  const auto holders = find(Grouping::kLine, state);
  ASSERT_EQ(holders.size(), 1U);
  EXPECT_EQ(holders[0].at.bytes, 1_MiB);
}

TEST_F(Holders, KeepsTheThreeMomentsApart) {
  const auto a = stack("f", 1), b = stack("f", 2);
  MemoryState now, at, peak;
  add_segment(now, {block(a, kMiB)});
  add_segment(at, {block(a, 2 * kMiB)});
  add_segment(peak, {block(a, kMiB), block(b, 8 * kMiB)});
  const auto holders = find(Grouping::kLine, now, at, peak);
  ASSERT_EQ(holders.size(), 2U);
  EXPECT_EQ(holders[0].now.bytes, 1_MiB);
  EXPECT_EQ(holders[0].at.bytes, 2_MiB);
  EXPECT_EQ(holders[0].at_peak.bytes, 1_MiB);
  EXPECT_EQ(holders[1].at.bytes, 0_B);
  EXPECT_EQ(holders[1].at_peak.bytes, 8_MiB);
}

TEST_F(Holders, NameNobodyWhereNoStackWasRecorded) {
  MemoryState state;
  add_segment(state, {block(trace::kEmptyStack, kMiB)});
  for (const Grouping grouping : {Grouping::kLine, Grouping::kFunction}) {
    const auto holders = find(grouping, state);
    ASSERT_EQ(holders.size(), 1U);
    EXPECT_TRUE(holders[0].frame.is_none());
    EXPECT_EQ(holders[0].at.bytes, 1_MiB);
  }
}

TEST_F(Holders, HaveARowForWhatContradictsTheSegments) {
  MemoryState state;
  add_segment(state, {block(stack("f", 1), kMiB)});
  EXPECT_EQ(find(Grouping::kLine, state).size(), 1U);
  state.blocks_outside = 3;
  state.allocated_blocks_outside = 2;
  state.allocated_outside = 4_MiB;
  const auto holders = find(Grouping::kLine, state);
  ASSERT_EQ(holders.size(), 2U);
  EXPECT_TRUE(holders[0].outside);
  EXPECT_EQ(holders[0].at.bytes, 4_MiB);
  EXPECT_EQ(holders[0].at.blocks, 2U);
  EXPECT_EQ(holders[0].at_peak.bytes, 4_MiB);
  EXPECT_FALSE(holders[1].outside);
}

TEST_F(Holders, AddUpToTheAllocatedBytes) {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    std::minstd_rand random(seed);
    const auto below = [&](uint64_t limit) { return random() / 7 % limit; };
    std::vector<MemoryState> states(3);
    std::vector<Held> allocated(3);
    for (size_t s = 0; s < states.size(); ++s) {
      for (uint64_t segments = below(4); segments > 0; --segments) {
        std::vector<PlacedBlock> blocks;
        for (uint64_t count = below(6); count > 0; --count) {
          const auto line = static_cast<uint32_t>(below(4));
          const auto where = line == 0 ? trace::kEmptyStack : stack(below(2) == 0 ? "f" : "g", line);
          blocks.push_back(block(where, 1 + below(kMiB), below(4) == 0));
          if (blocks.back().pending) continue;
          allocated[s].bytes += Bytes(blocks.back().size);
          ++allocated[s].blocks;
        }
        add_segment(states[s], blocks, static_cast<int64_t>(below(3)));
      }
    }
    for (const Grouping grouping : {Grouping::kLine, Grouping::kFunction, Grouping::kStream, Grouping::kSegment}) {
      std::vector<Held> sums(3);
      const Holder* before = nullptr;
      const auto holders = find(grouping, states[0], states[1], states[2]);
      for (const Holder& holder : holders) {
        const std::vector<Held> held = {holder.now, holder.at, holder.at_peak};
        for (size_t s = 0; s < held.size(); ++s) {
          sums[s].bytes += held[s].bytes;
          sums[s].blocks += held[s].blocks;
        }
        EXPECT_TRUE(before == nullptr || before->at.bytes >= holder.at.bytes) << "most bytes first";
        before = &holder;
      }
      for (size_t s = 0; s < sums.size(); ++s) {
        EXPECT_EQ(sums[s].bytes, allocated[s].bytes);
        EXPECT_EQ(sums[s].blocks, allocated[s].blocks);
      }
    }
  }
}

}  // namespace
}  // namespace unfrag::analyze
