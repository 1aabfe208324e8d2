#include "rehearsal/null/log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "ingest/allocation_log.h"
#include "ingest/log_summary.h"
#include "rehearsal/null/log_file.h"
#include "rehearsal/null/stage.h"

namespace unfrag::null {
namespace {

using allocation_log::Kind;
using allocation_log::kRecordsAt;
using allocation_log::Record;
using allocation_log::Stop;

constexpr LogFile::Facts kOneDevice{.devices = 1, .entries_have_pool = true};

class Log : public testing::Test {
 protected:
  Log() {
    std::string name = testing::TempDir() + "unfrag-XXXXXX";
    folder_ = mkdtemp(name.data());
    setenv("UNFRAG_REHEARSAL_FOLDER", folder_.c_str(), 1);
    std::ofstream(folder_ + "/stage") << "devices 1\n";
  }
  ~Log() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path_of(int process) const { return folder_ + "/log." + std::to_string(process); }

  /// Runs it in a process of its own, whose log and limits are no other test's; returns how that ended and its number.
  static std::pair<int, int> in_child(const std::function<void()>& run) {
    const int child = fork();
    if (child == 0) {
      run();
      _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return {status, child};
  }

  std::string folder_;
};

ingest::LogSummary summary_of(const std::string& path) {
  auto log = ingest::LogRecords::open(path);
  EXPECT_TRUE(log.ok()) << path;
  return log.ok() ? ingest::summarize_log(*log) : ingest::LogSummary{};
}

// An entry tells who wrote it, and with its stack the number that was written before it.
void write_some(uint64_t writer, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    const std::string name = std::to_string(writer) + ":" + std::to_string(i) + std::string(i % 300, '.');
    const uint32_t stack = i % 3 == 0 ? log_stack({.name = name, .file = "f", .line = static_cast<uint32_t>(i)}, 0) : 0;
    log_record({.kind = Kind::kEvent, .addr = writer, .size = i, .time_us = now_us(), .stack = stack});
  }
}

/// That what is there of each writer is all up to some entry, in order, each with its own stack. Returns how many.
size_t check_writers(const std::string& path) {
  auto log = ingest::LogRecords::open(path);
  EXPECT_TRUE(log.ok());
  if (!log) return 0;
  const auto trace = ingest::read_allocation_log(*log, {}).trace;
  const trace::Trace& t = *trace;
  std::map<uint64_t, uint64_t> next;  // by writer
  for (size_t i = 0; i < t.events.size_rows(); ++i) {
    const uint64_t writer = t.events.addr[i];
    const uint64_t number = next[writer]++;
    EXPECT_EQ(t.events.size[i], number) << "of writer " << writer;
    const auto stack = t.stacks[t.events.stack[i]];
    EXPECT_EQ(stack.size(), number % 3 == 0 ? 1U : 0U);
    if (stack.empty()) continue;
    const std::string name(t.strings[t.frames[stack[0]].name]);
    EXPECT_TRUE(name.starts_with(std::to_string(writer) + ":" + std::to_string(number))) << name;
  }
  return t.events.size_rows();
}

void write_with_threads(uint64_t count) {
  std::array<std::thread, 4> threads;
  for (size_t i = 0; i < threads.size(); ++i) threads[i] = std::thread(write_some, i, count);
  for (std::thread& one : threads) one.join();
}

TEST_F(Log, OfThreadsThatWriteAtOnceHasWhatEachWroteInItsOrder) {
  const auto [status, process] = in_child([] { write_with_threads(5000); });
  EXPECT_EQ(status, 0);
  const std::string path = path_of(process);
  EXPECT_EQ(summary_of(path).fault, nullptr);
  EXPECT_EQ(check_writers(path), 4 * 5000U);
}

TEST_F(Log, CutAtAnyRecordHasWhatPrecedesTheCut) {
  const auto [status, process] = in_child([] { write_with_threads(60); });
  EXPECT_EQ(status, 0);
  const uint64_t records = summary_of(path_of(process)).header.claimed;
  size_t entries = check_writers(path_of(process));
  EXPECT_EQ(entries, 240U);
  for (uint64_t left = records; left-- > 0;) {
    std::filesystem::resize_file(path_of(process), kRecordsAt + left * sizeof(Record));
    const size_t now = check_writers(path_of(process));
    EXPECT_LE(now, entries);
    EXPECT_GE(now + 1, entries);
    entries = now;
    ASSERT_NE(summary_of(path_of(process)).fault, nullptr);
  }
}

TEST_F(Log, OfAProcessKilledAmidThreadsThatWriteIsWhole) {
  int begun = 0;
  for (int i = 0; i < 20; ++i) {
    const auto [status, process] = in_child([i] {
      std::array<std::thread, 4> threads;
      for (size_t n = 0; n < threads.size(); ++n) threads[n] = std::thread(write_some, n, 1'000'000);
      std::this_thread::sleep_for(std::chrono::microseconds(500 + 997 * i));
      kill(getpid(), SIGKILL);
    });
    ASSERT_TRUE(WIFSIGNALED(status));
    // Killed before it wrote anything, or before it said that the file is a log, which it does last.
    if (!std::filesystem::exists(path_of(process)) || !ingest::LogRecords::open(path_of(process)).ok()) continue;
    ++begun;
    const ingest::LogSummary summary = summary_of(path_of(process));
    EXPECT_EQ(summary.fault, nullptr) << summary.fault;
    EXPECT_EQ(summary.header.ended_us, 0);
    // A thread that was killed between claim and entry leaves a gap, at its own end.
    EXPECT_EQ(check_writers(path_of(process)), summary.entries);
    std::filesystem::remove(path_of(process));
  }
  EXPECT_GT(begun, 0);
}

TEST_F(Log, IsReadWhileItIsWritten) {
  const int child = fork();
  if (child == 0) {
    write_with_threads(20000);
    _exit(0);
  }
  size_t entries = 0;
  for (int status = 0; waitpid(child, &status, WNOHANG) == 0;) {
    if (!ingest::LogRecords::open(path_of(child)).ok()) continue;  // not yet begun
    const size_t now = check_writers(path_of(child));
    EXPECT_GE(now, entries);
    entries = now;
  }
  EXPECT_EQ(check_writers(path_of(child)), 4 * 20000U);
}

TEST_F(Log, OfAForkedChildIsItsOwn) {
  const auto [status, parent] = in_child([] {
    write_some(1, 10);
    const auto [ended, child] = in_child([] { write_some(2, 5); });
    EXPECT_EQ(ended, 0);
    write_some(1, 0);
    log_record({.kind = Kind::kEvent, .addr = 1, .size = 10});
    std::filesystem::rename(std::string(std::getenv("UNFRAG_REHEARSAL_FOLDER")) + "/log." + std::to_string(child),
                            std::string(std::getenv("UNFRAG_REHEARSAL_FOLDER")) + "/child");
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(summary_of(path_of(parent)).entries, 11U);
  EXPECT_EQ(summary_of(folder_ + "/child").entries, 5U);
}

TEST_F(Log, OfAChildThatIsForkedWhileThreadsWriteWaitsForNobody) {
  const auto [status, parent] = in_child([] {
    stage();  // as the library does when it is loaded
    std::atomic<bool> done{false};
    std::array<std::thread, 3> threads;
    for (std::thread& one : threads) {
      one = std::thread([&] {
        for (uint64_t i = 0; !done; ++i) log_text(std::to_string(i));
      });
    }
    for (int i = 0; i < 50; ++i) {
      const auto [ended, child] = in_child([] {
        alarm(20);
        log_record({.kind = Kind::kEvent, .stack = log_stack({.name = "f", .file = "g"}, 0)});
      });
      EXPECT_EQ(ended, 0);
    }
    done = true;
    for (std::thread& one : threads) one.join();
  });
  EXPECT_EQ(status, 0);
}

TEST_F(Log, OfAProcessThatStartsAnewLeavesTheFirstAsItIs) {
  const auto first = LogFile::create(folder_, kOneDevice);
  first->write({.kind = Kind::kEvent, .size = 1});
  const auto second = LogFile::create(folder_, kOneDevice);
  EXPECT_NE(first->path(), second->path());
  EXPECT_EQ(summary_of(first->path()).entries, 1U);
  EXPECT_EQ(summary_of(second->path()).entries, 0U);
}

TEST_F(Log, SaysWhenItsProcessEnded) {
  const auto [status, process] = in_child([] {
    write_some(1, 1);
    log_end();
  });
  EXPECT_EQ(status, 0);
  const ingest::LogSummary summary = summary_of(path_of(process));
  EXPECT_GE(summary.header.ended_us, summary.last_us);
  EXPECT_GE(summary.last_us, summary.header.began_us);
}

void limit(int what, uint64_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  ASSERT_EQ(setrlimit(static_cast<__rlimit_resource>(what), &limit), 0);
}

void write_entries(LogFile& log, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) log.write({.kind = Kind::kEvent, .size = i});
}

TEST_F(Log, StopsAtTheLargestSizeOfAFileAndSaysHowMuchIsMissing) {
  constexpr uint64_t kLimit = (uint64_t{20} << 20) + 100;
  const auto [status, process] = in_child([this] {
    limit(RLIMIT_FSIZE, kLimit);
    const auto log = LogFile::create(folder_, kOneDevice);
    ASSERT_NE(log, nullptr);
    write_entries(*log, 500'000);
    EXPECT_FALSE(log->takes_records());
  });
  EXPECT_EQ(status, 0);
  const ingest::LogSummary summary = summary_of(path_of(process));
  EXPECT_EQ(summary.header.stop, Stop::kFileSizeLimit);
  EXPECT_EQ(summary.fault, nullptr);
  EXPECT_EQ(summary.entries, (kLimit / 4096 * 4096 - kRecordsAt) / sizeof(Record));
  EXPECT_EQ(summary.entries + summary.header.lost, 500'000U);
}

TEST_F(Log, SaysWhyItHasNothingWhereNothingCanBeMapped) {
  const auto [status, process] = in_child([this] {
    limit(RLIMIT_AS, 1 << 20);
    const auto log = LogFile::create(folder_, kOneDevice);
    ASSERT_NE(log, nullptr);
    write_entries(*log, 10);
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(summary_of(path_of(process)).header.stop, Stop::kAddressSpace);
}

TEST_F(Log, GrowsByThePathWhateverDescriptorsTheProgramCloses) {
  const auto [status, process] = in_child([this] {
    const auto log = LogFile::create(folder_, kOneDevice);
    for (int file = 3; file < 64; ++file) close(file);
    write_entries(*log, 600'000);  // beyond the first two steps
    EXPECT_TRUE(log->takes_records());
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(summary_of(path_of(process)).entries, 600'000U);
}

TEST_F(Log, ThatCannotBeOpenedToGrowStopsAndTheProgramGoesOn) {
  const auto [status, process] = in_child([this] {
    const auto log = LogFile::create(folder_, kOneDevice);
    std::filesystem::rename(log->path(), folder_ + "/elsewhere");
    write_entries(*log, 600'000);
    EXPECT_FALSE(log->takes_records());
  });
  EXPECT_EQ(status, 0);
  const ingest::LogSummary summary = summary_of(folder_ + "/elsewhere");
  EXPECT_EQ(summary.header.stop, Stop::kDisk);
  EXPECT_EQ(summary.header.stop_error, ENOENT);
  EXPECT_EQ(summary.entries + summary.header.lost, 600'000U);
}

}  // namespace
}  // namespace unfrag::null
