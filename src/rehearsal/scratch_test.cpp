#include "rehearsal/scratch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace unfrag::rehearsal {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Scratch : public testing::Test {
 protected:
  void SetUp() override {
    std::string place = testing::TempDir() + "scratch.XXXXXX";
    ASSERT_NE(mkdtemp(place.data()), nullptr);
    base_ = fs::canonical(place);
    fs::create_directories(base_ / "work/runs");
    fs::create_directory(base_ / "data");
    std::ofstream(base_ / "work/runs/best.pth") << "weights";
    std::ofstream(base_ / "data/train.csv") << "rows";
  }
  void TearDown() override { fs::remove_all(base_); }

  [[nodiscard]] fs::path copied(const std::string& name) const { return base_ / "copy" / name; }
  void copy() const { ASSERT_TRUE(copy_folder(base_ / "work", base_ / "copy")); }

  fs::path base_;
};

TEST_F(Scratch, IsWrittenToAndTheFolderIsNot) {
  copy();
  EXPECT_EQ(text_of(copied("runs/best.pth")), "weights");
  std::ofstream(copied("runs/best.pth")) << "zeros";
  EXPECT_EQ(text_of(base_ / "work/runs/best.pth"), "weights");
}

TEST_F(Scratch, LinksToOutsideLeadWhereTheyLed) {
  fs::create_symlink("../data", base_ / "work/data");
  fs::create_symlink(base_ / "data/train.csv", base_ / "work/train.csv");
  copy();
  EXPECT_EQ(text_of(copied("data/train.csv")), "rows");
  EXPECT_EQ(text_of(copied("train.csv")), "rows");
}

TEST_F(Scratch, LinksToInsideLeadToTheCopy) {
  fs::create_symlink("runs/best.pth", base_ / "work/last.pth");
  fs::create_symlink(base_ / "work/runs", base_ / "work/models");
  fs::create_symlink("nowhere", base_ / "work/broken");
  copy();
  std::ofstream(copied("last.pth")) << "zeros";
  std::ofstream(copied("models/new.pth")) << "new";
  EXPECT_EQ(text_of(base_ / "work/runs/best.pth"), "weights");
  EXPECT_EQ(text_of(copied("runs/best.pth")), "zeros");
  EXPECT_FALSE(fs::exists(base_ / "work/runs/new.pth"));
  EXPECT_TRUE(fs::is_symlink(copied("broken")));
}

TEST_F(Scratch, HasFoldersThatCanBeWrittenTo) {
  fs::permissions(base_ / "work/runs", fs::perms::owner_read | fs::perms::owner_exec);
  copy();
  EXPECT_NE(fs::status(copied("runs")).permissions() & fs::perms::owner_write, fs::perms::none);
  fs::permissions(base_ / "work/runs", fs::perms::owner_all);
}

TEST_F(Scratch, HasNoPipes) {
  ASSERT_EQ(mkfifo((base_ / "work/pipe").c_str(), 0600), 0);
  copy();
  EXPECT_FALSE(fs::exists(copied("pipe")));
}

TEST(WordInCopy, IsAPathIntoTheFolderAndNoOther) {
  EXPECT_EQ(word_in_copy("/home/me/work/train.py", "/home/me/work", "/tmp/copy"), "/tmp/copy/train.py");
  EXPECT_EQ(word_in_copy("/home/me/workshop/train.py", "/home/me/work", "/tmp/copy"), "/home/me/workshop/train.py");
  EXPECT_EQ(word_in_copy("train.py", "/home/me/work", "/tmp/copy"), "train.py");
}

}  // namespace
}  // namespace unfrag::rehearsal
