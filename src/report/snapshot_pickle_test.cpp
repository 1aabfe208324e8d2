// What is written is read back by the reader of snapshots, which knows files that PyTorch wrote and not this writer.
#include "report/snapshot_pickle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "ingest/byte_source.h"
#include "ingest/snapshot_reader.h"
#include "trace/builder.h"
#include "trace/difference.h"

namespace unfrag::report {
namespace {

using trace::Action;
using trace::Trace;

std::unique_ptr<const Trace> read(std::string_view bytes) {
  auto snapshot = ingest::read_snapshot(std::make_unique<ingest::MemorySource>(bytes), {});
  if (snapshot) return std::move(snapshot->trace);
  ADD_FAILURE() << snapshot.error().what;
  return std::make_unique<const Trace>();
}

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// A device with two entries, a segment of two blocks, and what a recording of 2.15 says besides.
class Recording {
 public:
  Recording() {
    const trace::FrameIdx inner = frame("forward", "/home/me/train.py", 38);
    const trace::FrameIdx outer = frame("main", "/home/me/train.py", 90);
    stack = builder.intern(std::span<const trace::FrameIdx>(std::vector{inner, outer}));
    context.compile_context = builder.intern("N/A");
    context.pool = {0, 3};
    context.has_pool = true;
    builder.trace.dialect = {2, 13};
    builder.trace.settings.all = {{"PYTORCH_CUDA_ALLOC_CONF", "\"\""}, {"max_split_size", "-1"}};
    builder.trace.settings.conf = "";
    device.index = 0;
  }

  trace::FrameIdx frame(std::string_view name, std::string_view file, uint32_t line, std::string_view extra = "") {
    return builder.intern(trace::Frame{
        .name = builder.intern(name), .filename = builder.intern(file), .line = line, .extra = builder.intern(extra)});
  }
  void event(Action action, uint64_t addr, uint64_t size, trace::StackIdx at) {
    builder.add_event({.action = action,
                       .addr = addr,
                       .size = size,
                       .time_us = 1'795'452'471'921'829,
                       .stack = at,
                       .context = context});
    ++device.event_count;
  }
  void segment(const std::vector<trace::BlockFields>& blocks, uint64_t addr = 0x7000'0000'0000) {
    trace::Segment& segment = builder.trace.segments.emplace_back();
    segment.addr = Address(addr);
    segment.kind = trace::PoolKind::kLarge;
    segment.has_recorded_sums = segment.has_recorded_requested = true;
    segment.first_block = static_cast<uint32_t>(builder.trace.blocks.size_rows());
    for (trace::BlockFields block : blocks) {
      block.addr = addr;
      addr += block.size;
      segment.total += Bytes(block.size);
      builder.add_block(block);
    }
    segment.block_count = static_cast<uint32_t>(blocks.size());
    ++device.segment_count;
  }
  const Trace& trace() {
    builder.trace.devices = {device};
    return builder.trace;
  }

  /// What comes back, and that it is the same.
  std::unique_ptr<const Trace> round_trip() {
    auto back = read(snapshot_pickle(trace()));
    EXPECT_EQ(trace::difference(trace(), *back), "");
    EXPECT_EQ(back->warnings, std::vector<std::string>());
    return back;
  }

  trace::Builder builder;
  trace::Device device;
  trace::EventContext context;
  trace::StackIdx stack;
};

trace::BlockFields live(uint64_t size, uint64_t requested, trace::StackIdx stack) {
  return {.size = size, .requested = requested, .state = trace::BlockState::kAllocated, .stack = stack};
}

TEST(SnapshotPickle, ComesBackAsTheSameTrace) {
  Recording recording;
  recording.event(Action::kSegmentAlloc, 0x7000'0000'0000, 20 << 20, recording.stack);
  recording.event(Action::kAlloc, 0x7000'0000'0000, 3'000'000, recording.stack);
  recording.segment({live(3'000'320, 3'000'000, recording.stack), {.size = 17'971'200, .requested = 17'971'200}});
  recording.builder.trace.annotations.push_back(
      {.name = recording.builder.intern("Optimizer.step#AdamW.step"), .stage = trace::Stage::kEnd, .time_us = 12});
  const auto back = recording.round_trip();
  EXPECT_EQ(back->events.size_rows(), 2U);
}

TEST(SnapshotPickle, WritesAStackThatIsSharedOnce) {
  Recording recording;
  for (uint64_t i = 0; i < 2500; ++i) recording.event(Action::kAlloc, 0x7000'0000'0000 + i * 512, 512, recording.stack);
  const std::string bytes = snapshot_pickle(recording.trace());
  EXPECT_EQ(count(bytes, "/home/me/train.py"), 1U);
  EXPECT_EQ(count(bytes, "\x4b\x26"), 1U);  // line 38
  EXPECT_LT(bytes.size(), 2500U * 60);
  EXPECT_EQ(recording.round_trip()->events.size_rows(), 2500U);
}

TEST(SnapshotPickle, KeepsNumbersOfAnySize) {
  Recording recording;
  for (const uint64_t addr :
       {uint64_t{0}, uint64_t{255}, uint64_t{256}, uint64_t{65'535}, uint64_t{65'536}, uint64_t{INT32_MAX},
        uint64_t{INT32_MAX} + 1, uint64_t{1} << 55, uint64_t{INT64_MAX}, uint64_t{1} << 63, UINT64_MAX}) {
    for (const int64_t stream :
         {INT64_MIN, int64_t{INT32_MIN} - 1, int64_t{INT32_MIN}, int64_t{-1}, int64_t{-129}, int64_t{INT64_MAX}}) {
      recording.context.stream = stream;
      recording.event(Action::kAlloc, addr, 1, recording.stack);
    }
  }
  recording.round_trip();
}

TEST(SnapshotPickle, GivesEachDeviceAListOfItsOrdinal) {
  Recording recording;
  recording.device.index = 3;
  recording.event(Action::kAlloc, 0x7000'0000'0000, 512, recording.stack);
  const auto back = recording.round_trip();
  ASSERT_EQ(back->devices.size(), 1U);
  EXPECT_EQ(back->devices[0].index, 3);
}

TEST(SnapshotPickle, KeepsPinnedHostMemoryApart) {
  Recording recording;
  recording.event(Action::kAlloc, 0x7000'0000'0000, 512, recording.stack);
  recording.segment({live(512, 512, recording.stack)});
  const trace::Device gpu = recording.device;
  recording.device = {.kind = trace::DeviceKind::kHost, .first_event = 1, .first_segment = 1};
  recording.event(Action::kAlloc, 0x5000'0000'0000, 1 << 20, recording.stack);
  recording.segment({live(1 << 20, 1'000'000, recording.stack)}, 0x5000'0000'0000);
  recording.builder.trace.segments[1].kind = trace::PoolKind::kUnknown;
  recording.builder.trace.devices = {gpu, recording.device};
  const auto back = read(snapshot_pickle(recording.builder.trace));
  EXPECT_EQ(trace::difference(recording.builder.trace, *back), "");
}

TEST(SnapshotPickle, LeavesOutTheFreeBytesThatNobodyKnows) {
  Recording recording;
  recording.event(Action::kOom, trace::kNoDeviceFree, 512, recording.stack);
  recording.event(Action::kOom, 0, 512, recording.stack);
  EXPECT_EQ(count(snapshot_pickle(recording.trace()), "device_free"), 1U);
  recording.round_trip();
}

TEST(SnapshotPickle, GivesPreviousSnapshotsNoStackAndEntriesOfTheBackwardPassAnEmptyOne) {
  Recording recording;
  recording.event(Action::kSnapshot, 0, 4096, trace::kEmptyStack);
  const std::string without = snapshot_pickle(recording.trace());
  EXPECT_EQ(count(without, "frames"), 0U);
  recording.event(Action::kAlloc, 0x7000'0000'0000, 512, recording.stack);
  recording.event(Action::kAlloc, 0x7000'0000'0200, 512, trace::kEmptyStack);
  recording.round_trip();
}

TEST(SnapshotPickle, KeepsWhatTorchFxAndTheForwardPassAdd) {
  Recording recording;
  const std::string notes =
      "fx_node_op=call_module\nfx_original_trace=File \"a.py\", line 3\n  y = x\nfx_node_info=z\n";
  const std::vector noted = {recording.frame("f", "a.py", 3, notes)};
  const std::vector lines = {recording.frame("File \"a.py\", line 3, in forward", "", 0)};
  recording.context.forward_stack = recording.builder.intern(std::span<const trace::FrameIdx>(lines));
  recording.context.user_metadata = recording.builder.intern("step 7");
  recording.event(Action::kAlloc, 0x7000'0000'0000, 512,
                  recording.builder.intern(std::span<const trace::FrameIdx>(noted)));
  trace::BlockFields block = live(512, 500, recording.stack);
  block.forward_stack = recording.context.forward_stack;
  block.user_metadata = recording.context.user_metadata;
  recording.segment({block});
  recording.round_trip();
}

TEST(SnapshotPickle, WritesTheKeysOfTheReleaseThatRecorded) {
  const std::vector<std::pair<trace::Dialect, std::string_view>> newest_keys = {{{2, 13}, "host_segments"},
                                                                                {{2, 10}, "user_metadata"},
                                                                                {{2, 8}, "compile_context"},
                                                                                {{2, 5}, "external_annotations"},
                                                                                {{2, 1}, "is_expandable"}};
  for (const auto& [dialect, newest] : newest_keys) {
    Recording recording;
    recording.context = {};
    recording.builder.trace.dialect = dialect;
    recording.event(Action::kAlloc, 0x7000'0000'0000, 512, recording.stack);
    recording.segment({live(512, 512, recording.stack)});
    const std::string bytes = snapshot_pickle(recording.trace());
    for (const auto& [release, key] : newest_keys) {
      EXPECT_EQ(count(bytes, key), release <= dialect ? 1U : 0U)
          << key << " in " << dialect.major << "." << dialect.minor;
    }
    if (dialect > trace::Dialect{2, 1}) recording.round_trip();  // with a time it is 2.2
  }
}

TEST(SnapshotPickle, SaysWhatABlockIsByItsHistoryBeforeTwoDotOne) {
  Recording recording;
  recording.context = {};
  recording.builder.trace.dialect = {2, 0};
  recording.builder.trace.settings = {};
  recording.segment({live(1024, 1000, recording.stack), {.size = 512, .requested = 0}});
  const std::string bytes = snapshot_pickle(recording.trace());
  EXPECT_EQ(count(bytes, "real_size"), 1U);
  EXPECT_EQ(count(bytes, "is_expandable"), 0U);
  recording.round_trip();
}

TEST(SnapshotPickle, ReplacesWhatIsNotUtf8) {
  Recording recording;
  const std::vector odd = {recording.frame("a\xff", "b\xed\xb3\xbf", 1)};
  recording.event(Action::kAlloc, 0x7000'0000'0000, 512,
                  recording.builder.intern(std::span<const trace::FrameIdx>(odd)));
  const std::string bytes = snapshot_pickle(recording.trace());
  EXPECT_EQ(count(bytes, "a\xef\xbf\xbd"), 1U);
  EXPECT_EQ(count(bytes, "b\xed\xb3\xbf"), 1U);  // a lone surrogate: how Python keeps such a byte
}

TEST(SnapshotPickle, WritesSettingsAsTheyWereAndNotAsTheyAreShown) {
  Recording recording;
  recording.builder.trace.settings.all = {{"PYTORCH_CUDA_ALLOC_CONF", "\"a\\\\x09b\""},
                                          {"max_split_size", "-1"},
                                          {"garbage_collection_threshold", "0.6"},
                                          {"expandable_segments", "true"},
                                          {"roundup_power2_divisions", R"({"1":4,"2":0})"},
                                          {"nothing", "null"},
                                          {"none", "{}"},
                                          {"list", "[1,18446744073709551615]"}};
  recording.builder.trace.settings.conf = "a\tb";
  recording.builder.trace.settings.garbage_collection_threshold = 0.6;
  recording.builder.trace.settings.expandable_segments = true;
  recording.builder.trace.settings.roundup_power2_divisions[0] = 4;
  recording.event(Action::kAlloc, 0x7000'0000'0000, 512, recording.stack);
  recording.round_trip();
}

// ---- Files ----

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void expect_round_trips(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".pickle") continue;
    SCOPED_TRACE(entry.path().filename());
    const auto first = read(read_file(entry.path()));
    const std::string bytes = snapshot_pickle(*first);
    const auto second = read(bytes);
    EXPECT_EQ(trace::difference(*first, *second), "");
    EXPECT_EQ(second->warnings, std::vector<std::string>());
    EXPECT_LE(bytes.size(), std::filesystem::file_size(entry.path()));
    EXPECT_EQ(snapshot_pickle(*second), bytes);
  }
}

const std::filesystem::path kRoot = UNFRAG_SOURCE_DIR;

TEST(SnapshotPickle, BringsBackTheExamples) { expect_round_trips(kRoot / "examples"); }

TEST(SnapshotPickle, BringsBackRealRecordings) {
  const std::filesystem::path corpus = kRoot / "../shared/corpus";
  if (!std::filesystem::is_directory(corpus)) GTEST_SKIP() << "no recordings in ../shared/corpus";
  expect_round_trips(corpus / "pytorch");
  expect_round_trips(corpus / "snapshots");
}

}  // namespace
}  // namespace unfrag::report
