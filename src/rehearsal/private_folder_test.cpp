#include "rehearsal/private_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace unfrag::rehearsal {
namespace {

namespace fs = std::filesystem;

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string place = testing::TempDir() + "private.XXXXXX";
    ASSERT_NE(mkdtemp(place.data()), nullptr);
    base_ = place;
    setenv("TMPDIR", place.c_str(), 1);
  }
  void TearDown() override {
    unsetenv("TMPDIR");
    fs::remove_all(base_);
  }

  /// The path of one whose process was killed.
  fs::path left_behind() {
    const pid_t child = fork();
    if (child == 0) {
      const auto folder = PrivateFolder::make();
      (void)!folder->write("log.1", "entries").ok();
      _exit(0);
    }
    waitpid(child, nullptr, 0);
    for (const auto& one : fs::directory_iterator(base_)) {
      if (fs::exists(one.path() / "log.1")) return one.path();
    }
    return {};
  }

  fs::path base_;
};

TEST_F(Folder, ThatAKilledProcessLeftBehindIsRemoved) {
  const fs::path stale = left_behind();
  ASSERT_TRUE(fs::exists(stale));
  PrivateFolder::remove_stale();
  EXPECT_TRUE(fs::is_empty(base_));
}

TEST_F(Folder, ThatIsInUseIsNotRemoved) {
  const auto folder = PrivateFolder::make();
  PrivateFolder::remove_stale();
  EXPECT_TRUE(fs::exists(folder->path()));
}

TEST_F(Folder, OfAnotherMachineOrOfSuchANameAloneIsNotRemoved) {
  const fs::path other = left_behind();
  std::ofstream(other / "unfrag-rehearsal") << "another";
  fs::create_directory(base_ / "unfrag-abcdef");
  std::ofstream(base_ / "unfrag-abcdef/thesis") << "precious";
  PrivateFolder::remove_stale();
  EXPECT_TRUE(fs::exists(other / "log.1"));
  EXPECT_TRUE(fs::exists(base_ / "unfrag-abcdef/thesis"));
}

TEST_F(Folder, ToWhichALinkLeadsIsNotRemovedByIt) {
  const fs::path stale = left_behind();
  fs::create_directory(base_ / "elsewhere");
  const fs::path moved = base_ / "elsewhere" / stale.filename();
  fs::rename(stale, moved);
  fs::create_directory_symlink(moved, stale);
  PrivateFolder::remove_stale();
  EXPECT_TRUE(fs::exists(moved / "log.1"));
  EXPECT_TRUE(fs::is_symlink(stale));
}

TEST_F(Folder, IsRemovedWithoutWhatALinkInItLeadsTo) {
  const fs::path stale = left_behind();
  fs::create_directory(base_ / "kept");
  std::ofstream(base_ / "kept/data") << "precious";
  fs::create_directory_symlink(base_ / "kept", stale / "link");
  PrivateFolder::remove_stale();
  EXPECT_FALSE(fs::exists(stale));
  EXPECT_TRUE(fs::exists(base_ / "kept/data"));
}

}  // namespace
}  // namespace unfrag::rehearsal
