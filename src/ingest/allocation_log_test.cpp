#include "ingest/allocation_log.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <string_view>

#include "ingest/log_for_tests.h"
#include "ingest/log_summary.h"

namespace unfrag::ingest {
namespace {

using allocation_log::Kind;
using allocation_log::kMostFrames;
using allocation_log::kRecordsAt;
using allocation_log::Record;
using allocation_log::Stop;
using trace::Action;

// Of TraceEntry::Action.
constexpr uint8_t kAlloc = 0;
constexpr uint8_t kFreeRequested = 1;
constexpr uint8_t kSegmentAlloc = 3;
constexpr uint8_t kSegmentFree = 4;
constexpr uint8_t kOom = 8;
constexpr uint64_t kMany = uint64_t{1} << 60;

struct Read {
  std::unique_ptr<trace::Trace> trace;
  LogSummary summary;
  [[nodiscard]] std::string fault() const { return summary.fault == nullptr ? "" : summary.fault; }
  [[nodiscard]] size_t entries() const { return trace->events.size_rows(); }
};

Read read_bytes(std::string_view bytes) {
  auto log = open_bytes(bytes);
  auto again = open_bytes(bytes);
  EXPECT_TRUE(log.ok() && again.ok());
  Read read{.trace = read_allocation_log(*log, {.major = 2, .minor = 15}).trace, .summary = summarize_log(*again)};
  EXPECT_STREQ(log->fault(), again->fault());
  return read;
}
Read read(const LogForTests& log) { return read_bytes(log.bytes()); }

std::string error_of(std::string_view bytes) {
  const auto log = open_bytes(bytes);
  return log.ok() ? "" : log.error().what;
}

/// A text, a frame, a stack of two frames, a segment and a block in it.
LogForTests usual() {
  LogForTests log;
  log.add_text(1, "train").add_text(2, std::string(100, 'p'));
  log.add({.kind = Kind::kFrame, .number = 1, .size = 7, .first = 1, .second = 2});
  log.add({.kind = Kind::kStack, .number = 1, .first = 1});
  log.add({.kind = Kind::kStack, .number = 2, .first = 1, .second = 1});
  log.add_event(kSegmentAlloc, 0x10000, 2 << 20, 2).add_event(kAlloc, 0x10000, 512, 2);
  log.add({.kind = Kind::kSettings, .first = 2});
  log.add({.kind = Kind::kUnanswered, .number = 3, .first = 1});
  log.header.unanswered[3] = 5;
  return log;
}

TEST(AllocationLog, GivesEntriesStacksSettingsAndWhatWasNotAnswered) {
  const Read log = read(usual());
  EXPECT_EQ(log.fault(), "");
  ASSERT_EQ(log.entries(), 2U);
  EXPECT_EQ(log.trace->events.action[0], Action::kSegmentAlloc);
  EXPECT_EQ(log.trace->events.size[1], 512U);
  const auto stack = log.trace->stacks[log.trace->events.stack[1]];
  ASSERT_EQ(stack.size(), 2U);
  EXPECT_EQ(log.trace->frames[stack[0]].line, 7U);
  EXPECT_EQ(log.trace->settings.conf, std::string(100, 'p'));
  ASSERT_EQ(log.summary.unanswered.size(), 1U);
  EXPECT_EQ(log.summary.unanswered[0].function, "train");
  EXPECT_EQ(log.summary.unanswered[0].calls, 5U);
  EXPECT_TRUE(log.summary.used_device());
}

TEST(AllocationLog, CutAnywhereGivesWhatPrecedesTheCut) {
  const std::string whole = usual().bytes();
  size_t before = 0;
  for (size_t size = kRecordsAt; size < whole.size(); ++size) {
    const Read log = read_bytes(std::string_view(whole).substr(0, size));
    EXPECT_NE(log.fault(), "") << size;
    EXPECT_GE(log.entries(), before) << size;
    before = log.entries();
  }
  EXPECT_EQ(before, 2U);
}

TEST(AllocationLog, WithoutAHeaderIsAnError) {
  EXPECT_EQ(error_of(""), "it is empty: there was no room for it");
  EXPECT_EQ(error_of(usual().bytes().substr(0, 900)), "the log of a process has no beginning");
  EXPECT_EQ(error_of(std::string(8192, 'x')), "it is no log of a process");
  LogForTests log = usual();
  log.header.stop = static_cast<Stop>(77);
  EXPECT_EQ(error_of(log.bytes()), "it says that it stopped for no known reason");
}

TEST(AllocationLog, OfAProcessThatWasKilledBeforeItWroteAnythingIsEmpty) {
  LogForTests log;
  log.header = {.process = 17, .devices = 1};
  EXPECT_EQ(read(log).fault(), "");
  EXPECT_FALSE(read(log).summary.used_device());
  log.header.claimed = 1;
  EXPECT_EQ(error_of(log.bytes()), "it is no log of a process");
}

TEST(AllocationLog, LeavesOutWhatNobodyFinished) {
  const LogForTests whole = usual();
  for (size_t i = 0; i < whole.records.size(); ++i) {
    if (whole.records[i].kind != Kind::kEvent) continue;
    LogForTests log = whole;
    log.records[i] = {};
    EXPECT_EQ(read(log).fault(), "");
    EXPECT_EQ(read(log).entries(), 1U);
  }
}

TEST(AllocationLog, StepsOverATextThatNobodyFinishedWhateverItsRowsHold) {
  LogForTests log;
  log.add_event(kSegmentAlloc, 0x10000, 2 << 20);
  const Record event{.kind = Kind::kEvent, .size = 99};
  log.add_text(1, std::string(reinterpret_cast<const char*>(&event), sizeof event) + "more");
  log.records[1].action = 0;
  log.add_event(kAlloc, 0x10000, 512).add_text(1, "whole").add({.kind = Kind::kSettings, .first = 1});
  const Read got = read(log);
  EXPECT_EQ(got.fault(), "");
  ASSERT_EQ(got.entries(), 2U);
  EXPECT_EQ(got.trace->events.size[1], 512U);
  EXPECT_EQ(got.trace->settings.conf, "whole");
}

TEST(AllocationLog, OfAProcessWhoseLogStoppedIsWholeUpToThere) {
  LogForTests log = usual();
  log.header.claimed = log.records.size() + 1000;
  EXPECT_EQ(read(log).fault(), "its end is missing");
  log.header.stop = Stop::kDisk;
  log.header.lost = 40;
  EXPECT_EQ(read(log).fault(), "");
  EXPECT_EQ(read(log).summary.header.lost, 40U);
  EXPECT_EQ(read(log).entries(), 2U);
}

TEST(AllocationLog, WithACountThatIsTooLargeEndsWithTheFile) {
  LogForTests log = usual();
  log.header.claimed = UINT64_MAX;
  EXPECT_EQ(read(log).fault(), "its end is missing");
  EXPECT_EQ(read(log).entries(), 2U);
}

/// What is said of one record after an entry; the entry is kept.
TEST(AllocationLog, SaysWhatTheProgramToldItsAllocatorAndBetweenWhichEntries) {
  LogForTests log;
  log.add({.kind = Kind::kFraction, .device = 1, .size = std::bit_cast<uint64_t>(0.5)});
  log.add_text(1, "max_split_size_mb:64").add_text(2, "expandable_segments:True");
  log.add({.kind = Kind::kSettings, .first = 1}).add_event(kSegmentAlloc, 0x10000, 2 << 20);
  log.add({.kind = Kind::kSettings, .number = 1, .first = 2}).add_event(kAlloc, 0x10000, 512);
  const Read got = read(log);
  EXPECT_EQ(got.trace->settings.conf_at_start, "max_split_size_mb:64");
  EXPECT_EQ(got.trace->settings.conf, "expandable_segments:True");
  const std::vector<trace::Change>& changes = got.trace->changes;
  ASSERT_EQ(changes.size(), 3U) << "settings are those of both devices";
  EXPECT_EQ(changes[0].device, 1);
  EXPECT_EQ(changes[0].memory_fraction, 0.5);
  EXPECT_EQ(changes[1].conf, "expandable_segments:True");
  EXPECT_EQ(changes[1].entry, 1U);
  EXPECT_EQ(changes[2].device, 1);
  EXPECT_EQ(changes[2].entry, 0U);
}

std::string fault_of(const Record& record) {
  LogForTests log = usual();
  const Read got = read(log.add(record).add_event(kAlloc, 0x10200, 512));
  EXPECT_EQ(got.entries(), 2U);
  return got.fault();
}

TEST(AllocationLog, EndsBeforeARecordThatNamesWhatIsNotThere) {
  EXPECT_EQ(fault_of({.kind = static_cast<Kind>(10)}), "a record is of no kind");
  EXPECT_EQ(fault_of({.kind = Kind::kFrame, .number = 2, .first = 3, .second = 1}), "a frame is out of order");
  EXPECT_EQ(fault_of({.kind = Kind::kFrame, .number = 2, .first = 0, .second = 1}), "a frame is out of order");
  EXPECT_EQ(fault_of({.kind = Kind::kFrame, .number = 3, .first = 1, .second = 1}), "a frame is out of order");
  EXPECT_EQ(fault_of({.kind = Kind::kFrame, .number = 2, .size = kMany, .first = 1, .second = 1}),
            "a line has a number that no file has");
  EXPECT_EQ(fault_of({.kind = Kind::kStack, .number = 3, .first = 2}), "a stack is out of order");
  EXPECT_EQ(fault_of({.kind = Kind::kStack, .number = 3, .first = 1, .second = 3}), "a stack is out of order");
  EXPECT_EQ(fault_of({.kind = Kind::kStack, .number = 3, .first = 1, .second = kMany}), "a stack is out of order");
  EXPECT_EQ(fault_of({.kind = Kind::kSettings, .first = 3}), "its settings are missing");
  EXPECT_EQ(fault_of({.kind = Kind::kSettings}), "its settings are missing");
  EXPECT_EQ(fault_of({.kind = Kind::kUnanswered, .number = 256, .first = 1}), "a function has no name");
  EXPECT_EQ(fault_of({.kind = Kind::kUnanswered, .number = 1, .first = 3}), "a function has no name");
  EXPECT_EQ(fault_of({.kind = Kind::kUnanswered, .number = 3, .first = 1}), "a function has two names");
  EXPECT_EQ(fault_of({.kind = Kind::kEvent, .device = 2}), "an entry names what is not there");
  EXPECT_EQ(fault_of({.kind = Kind::kEvent, .stack = 3}), "an entry names what is not there");
  EXPECT_EQ(fault_of({.kind = Kind::kEvent, .size = kMany}), "an entry has a size that no device has");
  EXPECT_EQ(fault_of({.kind = Kind::kFraction, .size = std::bit_cast<uint64_t>(1.5)}), "a memory fraction is none");
  EXPECT_EQ(fault_of({.kind = Kind::kFraction, .size = UINT64_MAX}), "a memory fraction is none") << "not a number";
  EXPECT_EQ(fault_of({.kind = Kind::kFraction, .device = 2}), "a memory fraction is none");
}

TEST(AllocationLog, EndsBeforeATextThatRunsOffItsEnd) {
  const auto fault_of_text = [](uint32_t number, uint64_t size) {
    LogForTests log = usual();
    const Read got = read(log.add_text(number, "short", size));
    EXPECT_EQ(got.entries(), 2U);
    return got.fault();
  };
  EXPECT_EQ(fault_of_text(3, 5), "");
  EXPECT_EQ(fault_of_text(3, 65), "a text is cut");
  EXPECT_EQ(fault_of_text(3, UINT64_MAX), "a text is longer than any");
  EXPECT_EQ(fault_of_text(3, allocation_log::kLongestText + 1), "a text is longer than any");
  EXPECT_EQ(fault_of_text(4, 5), "a text is out of order");
  EXPECT_EQ(fault_of_text(0, 5), "a text is out of order");
}

TEST(AllocationLog, KeepsNoStackDeeperThanTheWriterMakes) {
  LogForTests log;
  log.add_text(1, "f").add({.kind = Kind::kFrame, .number = 1, .first = 1, .second = 1});
  for (uint32_t i = 0; i < 2 * kMostFrames; ++i) {
    log.add({.kind = Kind::kStack, .number = i + 1, .first = 1, .second = i});
  }
  const Read got = read(log);
  EXPECT_EQ(got.fault(), "a stack has more frames than any");
  EXPECT_EQ(got.trace->stacks.size(), 1U + kMostFrames);  // and the empty one
}

TEST(AllocationLog, OfARequestForMoreThanAnyDeviceHasKeepsTheFailure) {
  LogForTests log;
  const Read got = read(log.add_event(kOom, 1 << 30, kMany));
  ASSERT_EQ(got.entries(), 1U);
  EXPECT_EQ(got.trace->events.action[0], Action::kOom);
  EXPECT_LE(got.trace->events.size[0], uint64_t{1} << 60);
  EXPECT_EQ(got.summary.num_ooms, 1U);
}

TEST(AllocationLog, WithAnActionThatIsNotKnownHasAnEntryOfNoKnownKind) {
  LogForTests log;
  EXPECT_EQ(read(log.add_event(200, 1, 1)).trace->events.action[0], Action::kUnknown);
}

TEST(AllocationLog, GivesEachDeviceARangeOfRows) {
  LogForTests log;
  for (uint16_t i = 0; i < 6; ++i) {
    log.add({.kind = Kind::kEvent, .device = static_cast<uint16_t>(i % 2), .size = i});
  }
  auto records = open_bytes(log.bytes());
  const auto trace = read_allocation_log(*records, {}).trace;
  ASSERT_EQ(trace->devices.size(), 2U);
  for (const trace::Device& device : trace->devices) {
    EXPECT_EQ(device.event_count, 3U);
    for (uint32_t i = 0; i < 3; ++i) {
      EXPECT_EQ(trace->events.size[device.first_event + i], 2 * i + static_cast<uint32_t>(device.index));
    }
  }
}

TEST(LogSummary, SaysWhatWasHeldOfEachDeviceAndWhen) {
  LogForTests log;
  log.add_event(kSegmentAlloc, 1, 100).add_event(kSegmentAlloc, 2, 50).add_event(kAlloc, 1, 9);
  log.add_event(kSegmentFree, 1, 100).add_event(kFreeRequested, 2, 9);
  const LogSummary got = read(log).summary;
  const auto& holdings = got.devices.at(0);
  ASSERT_EQ(holdings.size(), 3U);
  EXPECT_EQ(holdings[1].reserved, Bytes(150));
  EXPECT_EQ(holdings[2].reserved, Bytes(50));
  EXPECT_EQ(holdings[2].time_us, 1003);
  EXPECT_EQ(got.peak_reserved(), Bytes(150));
  EXPECT_EQ(got.last_us, 1004);
}

TEST(LogSummary, OfAChildThatGivesBackWhatItInheritedIsOfNoUserOfTheDevice) {
  LogForTests log;
  log.header.traced = 0;
  log.add_event(kSegmentFree, 1, 100);
  const LogSummary got = read(log).summary;
  EXPECT_FALSE(got.used_device());
  EXPECT_EQ(got.peak_reserved(), Bytes());
}

TEST(LogSummary, CountsTimeForwardsWhereAClockWasSetBack) {
  LogForTests log;
  log.add_event(kSegmentAlloc, 1, 1).add_event(kSegmentAlloc, 2, 1);
  log.records[1].time_us = INT64_MIN;
  const LogSummary got = read(log).summary;
  EXPECT_EQ(got.devices.at(0)[1].time_us, got.devices.at(0)[0].time_us);
}

}  // namespace
}  // namespace unfrag::ingest
