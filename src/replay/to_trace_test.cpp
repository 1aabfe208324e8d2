#include "replay/to_trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/byte_source.h"
#include "ingest/snapshot_reader.h"
#include "replay/as_recorded.h"
#include "replay/history.h"
#include "replay/replay.h"
#include "replay/settings_in_force.h"
#include "trace/builder.h"
#include "trace/difference.h"

namespace unfrag::replay {
namespace {

using trace::Action;
using trace::Trace;

const std::filesystem::path kCorpus = std::filesystem::path(UNFRAG_SOURCE_DIR) / "../shared/corpus/pytorch";
#define SKIP_WITHOUT_CORPUS() \
  if (!std::filesystem::is_directory(kCorpus)) GTEST_SKIP() << "no recordings in ../shared/corpus"

std::unique_ptr<const Trace> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  const std::string text = bytes.str();
  auto snapshot = ingest::read_snapshot(std::make_unique<ingest::MemorySource>(text), {});
  EXPECT_TRUE(snapshot.ok()) << path;
  return std::move(snapshot->trace);
}

/// What PyTorch itself said of a run: the device and its limit.
Card card_of(const nlohmann::json& truth) {
  Card card{.memory = Bytes(truth["total_memory"].get<uint64_t>()), .context = 500_MiB};
  if (!truth["fraction"].is_null()) card.fraction = std::stod(truth["fraction"].get<std::string>());
  return card;
}

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kA = 0x7000'0000'0000;
constexpr uint64_t kB = 0x7000'1000'0000;
constexpr uint64_t kC = 0x7000'2000'0000;

/// A recording made by hand, entry by entry; entry i has the time i, and a stack of its own unless told otherwise.
class Recording {
 public:
  explicit Recording(trace::Dialect dialect = {2, 9}) { builder_.trace.dialect = dialect; }

  Recording& on(int64_t stream, trace::PoolId pool = {}) {
    context_.stream = stream;
    context_.pool = pool;
    context_.has_pool = builder_.trace.dialect >= trace::Dialect{2, 12};
    return *this;
  }
  Recording& without_stacks() {
    stacks_ = false;
    return *this;
  }
  Recording& entry(Action action, uint64_t addr, uint64_t size) {
    const uint32_t number = device_.event_count++;
    builder_.add_event({.action = action,
                        .addr = addr,
                        .size = size,
                        .time_us = number,
                        .stack = stacks_ ? stack("entry " + std::to_string(number)) : trace::kEmptyStack,
                        .context = context_});
    return *this;
  }
  /// A segment that is one block, and its end.
  Recording& segment(uint64_t addr, uint64_t size, trace::BlockState state, std::string_view block_stack = "") {
    trace::Segment& added = builder_.trace.segments.emplace_back();
    added.addr = Address(addr);
    added.total = Bytes(size);
    added.stream = context_.stream;
    added.pool = context_.pool;
    added.kind = trace::PoolKind::kLarge;
    added.first_block = builder_.add_block(
        {.addr = addr, .size = size, .requested = size, .state = state, .stack = stack(block_stack)});
    added.block_count = 1;
    ++device_.segment_count;
    return *this;
  }
  Recording& annotate(std::string_view name, int device) {
    builder_.trace.annotations.push_back({.name = builder_.intern(name), .device = device});
    return *this;
  }
  Recording& settings(std::vector<std::pair<std::string, std::string>> all, std::string_view conf) {
    builder_.trace.settings.all = std::move(all);
    builder_.trace.settings.conf = conf;
    return *this;
  }
  [[nodiscard]] const Trace& trace() const { return builder_.trace; }
  trace::StackIdx stack(std::string_view name) {
    if (name.empty()) return trace::kEmptyStack;
    const trace::FrameIdx frame =
        builder_.intern(trace::Frame{.name = builder_.intern(name), .filename = trace::kEmptyString});
    return builder_.intern(std::span<const trace::FrameIdx>(&frame, 1));
  }

  /// The replay of it within `limits`, at the addresses of the recording or at others.
  enum class Where : uint8_t { kAsRecorded, kElsewhere };
  Trace replayed(const Limits& limits, Where where = Where::kAsRecorded) {
    builder_.trace.devices = {device_};
    const History history = build_history(builder_.trace, device_);
    const auto reading = read_recording(builder_.trace, device_, history, {});
    EXPECT_FALSE(reading->reading.divergence) << reading->reading.divergence->entry;
    Conditions conditions = reading->conditions;
    conditions.limits = limits;
    const Program& program = reading->reading.program;
    Log log;
    Runner runner(program, conditions, &log);
    if (where == Where::kAsRecorded) {
      run_as_recorded(runner, program, builder_.trace, device_, history);
    } else {
      runner.run();
    }
    return to_trace(builder_.trace, device_, program, runner, log);
  }

 private:
  trace::Builder builder_;
  trace::Device device_;
  trace::EventContext context_;
  bool stacks_ = true;
};

std::string name_of(const Trace& trace, trace::StackIdx stack) {
  const auto frames = trace.stacks[stack];
  return frames.empty() ? "" : std::string(trace.strings[trace.frames[frames[0]].name]);
}

/// "free_completed 16 on 7 for entry 4 at 3": action, MiB, stream, stack, time.
std::string text_of(const Trace& trace, size_t row) {
  return std::string(trace::action_name(trace.events.action[row])) + " " +
         std::to_string(trace.events.size[row] / kMiB) + " on " + std::to_string(trace.context_of(row).stream) +
         " for " + name_of(trace, trace.events.stack[row]) + " at " + std::to_string(trace.time_of(row));
}
std::vector<std::string> texts(const Trace& trace) {
  std::vector<std::string> texts;
  texts.reserve(trace.events.size_rows());
  for (size_t row = 0; row < trace.events.size_rows(); ++row) texts.push_back(text_of(trace, row));
  return texts;
}
std::vector<std::string> actions(const Trace& trace) {
  std::vector<std::string> names;
  names.reserve(trace.events.size_rows());
  for (size_t row = 0; row < trace.events.size_rows(); ++row) names.emplace_back(action_name(trace.events.action[row]));
  return names;
}

/// A block of stream 7 waits for other streams while stream 0 needs a segment.
struct WaitingBlock : Recording {
  WaitingBlock() {
    on(7)
        .entry(Action::kSegmentAlloc, kA, 16 * kMiB)
        .entry(Action::kAlloc, kA, 16 * kMiB)
        .entry(Action::kFreeRequested, kA, 16 * kMiB);
    on(0).entry(Action::kSegmentAlloc, kB, 16 * kMiB).entry(Action::kAlloc, kB, 16 * kMiB);
    on(7).entry(Action::kFreeCompleted, kA, 16 * kMiB).segment(kA, 16 * kMiB, trace::BlockState::kInactive);
    on(0).segment(kB, 16 * kMiB, trace::BlockState::kAllocated, "entry 4");
  }
};

TEST(ToTrace, GivesWhatTheRecordingHasNotTheStackOfItsCause) {
  const Trace replayed = WaitingBlock().replayed({.capacity = 24_MiB});
  EXPECT_EQ(texts(replayed), (std::vector<std::string>{
                                 "segment_alloc 16 on 7 for entry 0 at 0",
                                 "alloc 16 on 7 for entry 1 at 1",
                                 "free_requested 16 on 7 for entry 2 at 2",
                                 "free_completed 16 on 7 for entry 4 at 3",
                                 "segment_free 16 on 7 for entry 4 at 3",
                                 "segment_alloc 16 on 0 for entry 3 at 3",
                                 "alloc 16 on 0 for entry 4 at 4",
                             }));
  ASSERT_EQ(replayed.segments.size(), 1U);
  EXPECT_EQ(name_of(replayed, replayed.blocks.stack[0]), "entry 4");
}

TEST(ToTrace, ShowsTheStackOfASegmentThatWasNeverSplit) {
  const Trace replayed = WaitingBlock().replayed({});
  ASSERT_EQ(replayed.segments.size(), 2U);
  EXPECT_EQ(name_of(replayed, replayed.segments[0].stack), "entry 0");
  EXPECT_EQ(replayed.segments[1].recorded_active, 16_MiB);
}

TEST(ToTrace, SaysTheSameAtOtherAddresses) {
  const Trace here = WaitingBlock().replayed({});
  const Trace there = WaitingBlock().replayed({}, Recording::Where::kElsewhere);
  EXPECT_EQ(texts(here), texts(there));
  EXPECT_NE(here.events.addr[0], there.events.addr[0]);
}

TEST(ToTrace, GivesAnEntryThePoolItIsAbout) {
  Recording recording(trace::Dialect{2, 13});
  recording.on(0)
      .entry(Action::kSegmentAlloc, kA, 16 * kMiB)
      .entry(Action::kAlloc, kA, 16 * kMiB)
      .entry(Action::kFreeRequested, kA, 16 * kMiB)
      .entry(Action::kFreeCompleted, kA, 16 * kMiB)
      .segment(kA, 16 * kMiB, trace::BlockState::kInactive)
      .on(0, {0, 1})
      .entry(Action::kSegmentAlloc, kB, 16 * kMiB)
      .entry(Action::kAlloc, kB, 16 * kMiB)
      .segment(kB, 16 * kMiB, trace::BlockState::kAllocated);
  const Trace replayed = recording.replayed({.capacity = 24_MiB});
  ASSERT_EQ(replayed.events.action[4], Action::kSegmentFree);
  EXPECT_EQ(replayed.context_of(4).pool, (trace::PoolId{0, 0}));
  EXPECT_EQ(replayed.context_of(5).pool, (trace::PoolId{0, 1}));
  ASSERT_EQ(replayed.segments.size(), 1U);
  EXPECT_EQ(replayed.segments[0].pool, (trace::PoolId{0, 1}));
}

TEST(ToTrace, KeepsWhatNoReplayProducesInItsPlace) {
  Recording recording;
  recording.entry(Action::kSnapshot, 0, 0)
      .entry(Action::kSegmentAlloc, kA, 16 * kMiB)
      .entry(Action::kUserDefined, 0, 0)
      .entry(Action::kAlloc, kA, 16 * kMiB)
      .entry(Action::kSnapshot, 0, 16 * kMiB)
      .entry(Action::kAnnotate, kA, 0)
      .entry(Action::kFreeRequested, kA, 16 * kMiB)
      .entry(Action::kFreeCompleted, kA, 16 * kMiB)
      .entry(Action::kUnknown, 0, 0)
      .segment(kA, 16 * kMiB, trace::BlockState::kInactive);
  const Trace replayed = recording.replayed({}, Recording::Where::kElsewhere);
  EXPECT_EQ(actions(replayed),
            (std::vector<std::string>{"snapshot", "segment_alloc", "user_defined", "alloc", "snapshot", "annotate",
                                      "free_requested", "free_completed", "unknown"}));
  EXPECT_NE(replayed.events.addr[3], kA);
  EXPECT_EQ(replayed.events.addr[5], replayed.events.addr[3]);
  EXPECT_EQ(replayed.events.size[4], 16 * kMiB);
}

TEST(ToTrace, TakesStacksOfLiveBlocksFromTheEndWhereEntriesHaveNone) {
  Recording recording;
  recording.without_stacks()
      .entry(Action::kSegmentAlloc, kA, 16 * kMiB)
      .entry(Action::kAlloc, kA, 16 * kMiB)
      .segment(kA, 16 * kMiB, trace::BlockState::kAllocated, "train.py");
  const Trace replayed = recording.replayed({}, Recording::Where::kElsewhere);
  EXPECT_EQ(name_of(replayed, replayed.blocks.stack[0]), "train.py");
}

TEST(ToTrace, SaysNothingOfTheFreeBytesOfADeviceWhoseSizeNobodyKnows) {
  const Trace replayed = WaitingBlock().replayed({.limit = 8_MiB});
  EXPECT_EQ(actions(replayed), (std::vector<std::string>{"oom", "oom"}));
  EXPECT_EQ(replayed.events.addr[0], trace::kNoDeviceFree);
  EXPECT_TRUE(replayed.segments.empty());
}

TEST(ToTrace, GivesARequestThatFailedThenAndIsServedNowTheStackOfItsFailure) {
  Recording recording;
  recording.entry(Action::kSegmentAlloc, kA, 16 * kMiB)
      .entry(Action::kAlloc, kA, 16 * kMiB)
      .entry(Action::kOom, 8 * kMiB, 32 * kMiB)
      .segment(kA, 16 * kMiB, trace::BlockState::kAllocated);
  const Trace replayed = recording.replayed({.capacity = 1_GiB}, Recording::Where::kElsewhere);
  EXPECT_EQ(actions(replayed), (std::vector<std::string>{"segment_alloc", "alloc", "segment_alloc", "alloc"}));
  ASSERT_EQ(replayed.segments.size(), 2U);
  EXPECT_EQ(name_of(replayed, replayed.blocks.stack[0]), "entry 2");  // below the other
}

TEST(ToTrace, KeepsTheAnnotationsOfItsDevice) {
  WaitingBlock recording;
  recording.annotate("step", 0).annotate("step elsewhere", 1);
  const Trace replayed = recording.replayed({});
  ASSERT_EQ(replayed.annotations.size(), 1U);
  EXPECT_EQ(replayed.strings[replayed.annotations[0].name], "step");
}

TEST(ToTrace, SaysWhichSettingsWereInForce) {
  WaitingBlock recording;
  recording.settings({{"PYTORCH_ALLOC_CONF", "\"expandable_segments:True,pinned_num_register_threads:4\""},
                      {"pinned_num_register_threads", "4"}},
                     "expandable_segments:True,pinned_num_register_threads:4");
  alloc::Settings other;
  other.max_split_size = 64_MiB;
  other.garbage_collection_threshold = 0.8;
  const trace::Settings now = settings_in_force(recording.trace(), other);
  const std::string conf = "max_split_size_mb:64,garbage_collection_threshold:0.8,pinned_num_register_threads:4";
  EXPECT_EQ(now.conf, conf);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"PYTORCH_ALLOC_CONF", "\"" + conf + "\""},
      {"pinned_num_register_threads", "4"},
      {"max_split_size", "67108864"},
      {"garbage_collection_threshold", "0.8"},
      {"expandable_segments", "false"},
      {"roundup_power2_divisions",
       R"({"1":0,"2":0,"4":0,"8":0,"16":0,"32":0,"64":0,"128":0,"256":0,"512":0,"1024":0,"2048":0,"4096":0,)"
       R"("8192":0,"16384":0,"32768":0})"}};
  EXPECT_EQ(now.all, expected);
  EXPECT_EQ(settings_in_force(recording.trace(), recorded_settings(recording.trace())).all.size(), 2U);
}

TEST(ToTrace, KeepsTheFreeBytesOfARecordedFailure) {
  Recording recording;
  recording.entry(Action::kSegmentAlloc, kA, 16 * kMiB)
      .entry(Action::kAlloc, kA, 16 * kMiB)
      .entry(Action::kOom, 100 * kMiB, 32 * kMiB)
      .segment(kA, 16 * kMiB, trace::BlockState::kAllocated);
  const Trace replayed = recording.replayed({.limit = 16_MiB});
  ASSERT_EQ(replayed.events.action[2], Action::kOom);
  EXPECT_EQ(replayed.events.addr[2], 100 * kMiB);
}

TEST(RunAsRecorded, CompletesWaitingBlocksInTheRecordedOrder) {
  Recording recording;
  recording.on(7)
      .entry(Action::kSegmentAlloc, kA, 16 * kMiB)
      .entry(Action::kAlloc, kA, 16 * kMiB)
      .entry(Action::kSegmentAlloc, kB, 18 * kMiB)
      .entry(Action::kAlloc, kB, 18 * kMiB)
      .entry(Action::kSegmentAlloc, kC, 20 * kMiB)
      .entry(Action::kAlloc, kC, 20 * kMiB)
      .entry(Action::kFreeRequested, kA, 16 * kMiB)
      .entry(Action::kFreeRequested, kB, 18 * kMiB)
      .entry(Action::kFreeRequested, kC, 20 * kMiB)  // waits for nobody
      .entry(Action::kFreeCompleted, kC, 20 * kMiB)
      .entry(Action::kFreeCompleted, kB, 18 * kMiB)
      .entry(Action::kFreeCompleted, kA, 16 * kMiB)
      .entry(Action::kSegmentFree, kA, 16 * kMiB)
      .entry(Action::kSegmentFree, kB, 18 * kMiB)
      .entry(Action::kSegmentFree, kC, 20 * kMiB);
  const Trace replayed = recording.replayed({});
  ASSERT_EQ(replayed.events.size_rows(), 15U);
  EXPECT_EQ(replayed.events.addr[10], kB);
  EXPECT_EQ(replayed.events.addr[11], kA);
}

/// A recording of the corpus, read under what PyTorch said of the run.
struct Case {
  std::string name;
  std::unique_ptr<const Trace> recorded;
  Card card;
  [[nodiscard]] const trace::Device& device() const { return recorded->devices.at(0); }
};

template <class Check>
void for_each_recording(Check check) {
  std::ifstream lines(kCorpus / "truth.jsonl");
  for (std::string line; std::getline(lines, line);) {
    const auto truth = nlohmann::json::parse(line);
    const std::string name = truth["file"].get<std::string>();
    SCOPED_TRACE(name);
    check(Case{name, read(kCorpus / name), card_of(truth)});
  }
}

TEST(ToTrace, GivesTheRecordingBackWhereTheReplayIsExact) {
  SKIP_WITHOUT_CORPUS();
  int exact = 0;
  for_each_recording([&](const Case& one) {
    const History history = build_history(*one.recorded, one.device());
    const auto reading = read_recording(*one.recorded, one.device(), history, {.card = one.card});
    ASSERT_TRUE(reading.ok());
    if (!reading->exact()) return;
    ++exact;
    Log log;
    const Program& program = reading->reading.program;
    Runner runner(program, reading->conditions, &log);
    run_as_recorded(runner, program, *one.recorded, one.device(), history);
    const Trace replayed = to_trace(*one.recorded, one.device(), program, runner, log);
    EXPECT_EQ(trace::difference(*one.recorded, replayed), "");
  });
  EXPECT_EQ(exact, 29);
}

// Closure: a replay under other settings is itself a recording, of which the model says the same.
TEST(ToTrace, GivesARecordingThatReplaysExactlyUnderAnySettings) {
  SKIP_WITHOUT_CORPUS();
  for_each_recording([&](const Case& one) {
    const History history = build_history(*one.recorded, one.device());
    const auto reading = read_recording(*one.recorded, one.device(), history, {.card = one.card});
    ASSERT_TRUE(reading.ok());
    for (const char* conf : {"", "expandable_segments:True", "max_split_size_mb:64", "roundup_power2_divisions:4",
                             "max_split_size_mb:128,garbage_collection_threshold:0.6"}) {
      SCOPED_TRACE(conf);
      Conditions conditions = reading->conditions;
      conditions.settings = *alloc::parse_settings(conf, alloc::kNewest);
      Log log;
      const Program& program = reading->reading.program;
      Runner runner(program, conditions, &log);
      runner.run();
      const Trace replayed = to_trace(*one.recorded, one.device(), program, runner, log);
      EXPECT_EQ(replayed.settings.conf.value_or("none"), conf);
      const trace::Device& device = replayed.devices.at(0);
      const History again = build_history(replayed, device);
      EXPECT_EQ(again.contradictions, 0U);
      EXPECT_TRUE(again.complete);
      const auto second = read_recording(replayed, device, again, {.card = one.card});
      ASSERT_TRUE(second.ok());
      EXPECT_FALSE(second->reading.divergence) << second->reading.divergence->entry << " of " << device.event_count;
      EXPECT_EQ(second->reading.statistics, runner.policy().statistics());
    }
  });
}

}  // namespace
}  // namespace unfrag::replay
