#include "report/address_space_svg.h"

#include <gtest/gtest.h>

#include <string>

#include "report/segment_rows.h"
#include "report/xml_for_tests.h"
#include "trace/builder.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;
using analyze::MemoryState;

/// Segments filled from the left, and who asked for their blocks.
class Memory {
 public:
  Memory() {
    const std::string evil = "</title><script>alert(1)</script>";
    const trace::FrameIdx frame = builder_.intern(trace::Frame{
        .name = builder_.intern("train"), .filename = builder_.intern(evil + "&\x1b train.py"), .line = 38});
    stack_ = builder_.intern(std::span(&frame, 1));
  }

  void segment(Bytes size, bool expandable = false, trace::PoolId pool = {}) {
    next_ += 1ULL << 40;
    analyze::PlacedSegment& segment = state.segments.emplace_back();
    segment.run = {
        .addr = next_, .size = size.value(), .kind = trace::PoolKind::kLarge, .pool = pool, .expandable = expandable};
    segment.first_block = static_cast<uint32_t>(state.blocks.size());
    segment.free = segment.largest_hole = size;
    reached_ = next_;
  }
  void block(Bytes size, bool pending = false) {
    analyze::PlacedSegment& segment = state.segments.back();
    state.blocks.push_back(
        {.addr = reached_, .size = size.value(), .requested = size.value() - 1, .pending = pending, .stack = stack_});
    ++segment.block_count;
    segment.active += size;
    if (pending) segment.pending += size;
    segment.free -= size;
    reached_ += size.value();
  }
  void hole(Bytes size) { reached_ += size.value(); }

  std::string draw(const DeviceFindings& findings = {}) {
    Explanation e;
    auto trace = std::make_unique<trace::Trace>(std::move(builder_.trace));
    e.user_code = std::make_unique<analyze::UserCode>(*trace);
    e.trace = std::move(trace);
    return address_space_svg(e, findings, state);
  }

  MemoryState state;

 private:
  trace::Builder builder_;
  trace::StackIdx stack_;
  uint64_t next_ = 0;
  uint64_t reached_ = 0;
};

bool says(const XmlForTests& xml, std::string_view what) { return xml.text.find(what) != std::string::npos; }

TEST(AddressSpaceSvg, ShowsEachBlockWithItsBytesAndWhoHoldsIt) {
  Memory memory;
  memory.segment(20_MiB);
  memory.block(8_MiB);
  memory.hole(4_MiB);
  memory.block(2_MiB, true);
  const XmlForTests xml(memory.draw());
  EXPECT_EQ(xml.problem, "");
  EXPECT_EQ(xml.count("script"), 0U);
  EXPECT_TRUE(says(xml,
                   "8.00 MiB allocated at 0x10000000000, 8,388,607 bytes requested: "
                   "</title><script>alert(1)</script>&\\x1b train.py:38 train"))
      << xml.text;
  EXPECT_TRUE(says(xml, "4.00 MiB free at 0x10000800000"));
  EXPECT_TRUE(says(xml, "2.00 MiB waiting for a stream at 0x10000c00000"));
  EXPECT_TRUE(says(xml, "20.00 MiB reserved: 8.00 MiB allocated, 2.00 MiB waiting for a stream, 10.00 MiB free"));
}

TEST(AddressSpaceSvg, MarksExpandableSegmentsAndPrivatePools) {
  Memory memory;
  memory.segment(20_MiB, true);
  memory.segment(10_MiB, false, {1, 0});
  const XmlForTests xml(memory.draw());
  EXPECT_TRUE(says(xml, "expandable, large"));
  EXPECT_TRUE(says(xml, "large, private pool (1, 0)"));
}

TEST(AddressSpaceSvg, FoldsTheSmallestSegmentsAndSaysHowMuchIsInThem) {
  Memory memory;
  for (int i = 0; i < 1000; ++i) {
    memory.segment(Bytes((i < 36 ? 20 : 2) << 20));
    memory.block(1_MiB);
  }
  const XmlForTests xml(memory.draw());
  EXPECT_TRUE(says(xml,
                   "and 964 more segments, 1.88 GiB, none larger than 2.00 MiB: "
                   "964.00 MiB allocated, 964.00 MiB free"))
      << xml.text;
}

TEST(AddressSpaceSvg, StaysSmallAndSaysWhatItPutTogether) {
  Memory memory;
  for (int i = 0; i < 36; ++i) {
    memory.segment(1_GiB);
    for (int k = 0; k < 2000; ++k) {
      memory.block(256_KiB);
      memory.hole(256_KiB);
    }
  }
  const std::string svg = memory.draw();
  EXPECT_LE(svg.size(), 60'000U);
  EXPECT_EQ(XmlForTests(svg).problem, "");
  EXPECT_NE(svg.find("holes"), std::string::npos);
}

TEST(AddressSpaceSvg, CutsAFewLargeSegmentsIntoRows) {
  Memory memory;
  memory.segment(1_GiB, true);
  for (int i = 0; i < 512; ++i) memory.block(2_MiB);
  const SegmentRows rows = cut_into_rows(memory.state, 36, 440);
  EXPECT_EQ(rows.longest, (256_MiB).value());  // where 2 MiB are 3.4 of 440 wide
  EXPECT_EQ(rows.rows.size(), 4U);
  EXPECT_TRUE(says(XmlForTests(memory.draw()), "+ 256.00 MiB"));
}

TEST(AddressSpaceSvg, SaysWhatCannotBeDrawn) {
  Memory memory;
  EXPECT_TRUE(says(XmlForTests(memory.draw()), "Device 0: no segments at the time of the snapshot"));
  Memory contradicting;
  contradicting.segment(2_MiB);
  contradicting.state.blocks_outside = 3;
  EXPECT_TRUE(says(XmlForTests(contradicting.draw()), "3 blocks that contradict the segments: not drawn."));
}

TEST(ForEachStretch, CountsEveryByteOfARowOnce) {
  Memory memory;
  memory.segment(1_GiB);
  for (int i = 0; i < 1000; ++i) {
    memory.block(Bytes(512 + 7919 * (i % 97)), i % 5 == 0);
    if (i % 3 == 0) memory.hole(Bytes(512 + 104729 * (i % 11)));
  }
  for (const uint64_t least : {uint64_t{0}, uint64_t{100'000}, uint64_t{1} << 40}) {
    uint64_t reached = memory.state.segments[0].run.addr, used = 0, blocks = 0;
    for (const SegmentRow& row : cut_into_rows(memory.state, 7, 1e9).rows) {
      for_each_stretch(memory.state, row, least, [&](const Stretch& stretch) {
        EXPECT_EQ(stretch.begin, reached);
        reached = stretch.end;
        used += stretch.allocated + stretch.pending;
        blocks += stretch.blocks;
      });
    }
    EXPECT_EQ(reached, memory.state.segments[0].run.end());
    EXPECT_EQ(Bytes(used), memory.state.segments[0].active);
    EXPECT_EQ(blocks, 1000U);
  }
}

}  // namespace
}  // namespace unfrag::report
