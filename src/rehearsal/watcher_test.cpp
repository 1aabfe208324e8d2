#include "rehearsal/watcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/allocation_log.h"

namespace unfrag::rehearsal {
namespace {

using std::chrono::milliseconds;

class Watching : public testing::Test {
 protected:
  void SetUp() override {
    std::string place = testing::TempDir() + "watching.XXXXXX";
    ASSERT_NE(mkdtemp(place.data()), nullptr);
    folder_ = place;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write_log(const std::string& name, uint64_t held, uint64_t launches, int64_t ended_us = 0) const {
    allocation_log::Header header;
    header.magic = allocation_log::kMagic;
    header.held_bytes = held;
    header.launches = launches;
    header.ended_us = ended_us;
    std::ofstream(folder_ + "/" + name, std::ios::binary).write(reinterpret_cast<const char*>(&header), sizeof header);
  }

  std::string folder_;
};

TEST_F(Watching, AddsUpWhatTheProcessesThatStillRunHold) {
  write_log("log.10", 300, 7);
  write_log("log.11", 50, 2);
  write_log("log.12", 1000, 1, /*ended_us=*/99);
  std::ofstream(folder_ + "/log.13") << "not begun";
  std::ofstream(folder_ + "/stage") << "devices 1";
  const Progress progress = read_progress(folder_);
  EXPECT_EQ(progress.held, Bytes(350));
  EXPECT_EQ(progress.launches, 10U);
}

TEST_F(Watching, TellsAgainAndAgainUntilTheEnd) {
  write_log("log.10", 300, 7);
  std::atomic<int> told = 0;
  {
    const Watcher watcher(folder_, [&](const Progress& one) { told += one.launches == 7 ? 1 : 1000; }, milliseconds(1));
    while (told < 3) std::this_thread::sleep_for(milliseconds(1));
  }
  const int at_the_end = told;
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(told, at_the_end);
  EXPECT_LT(told, 1000);
}

TEST_F(Watching, OfWhatIsOverBeforeTheFirstMomentTellsNothing) {
  std::atomic<int> told = 0;
  {
    const Watcher watcher(folder_, [&](const Progress&) { ++told; }, std::chrono::hours(1));
  }
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace unfrag::rehearsal
