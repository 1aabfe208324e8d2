// Files that tests write for the functions that take a path.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace unfrag::rehearsal {

/// A file in the tests' folder, removed at the end.
class FileForTests {
 public:
  /// Requires: a name that no other test has.
  FileForTests(const std::string& name, const std::string& bytes) : path_(testing::TempDir() + "unfrag_" + name) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~FileForTests() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  FileForTests(const FileForTests&) = delete;
  FileForTests& operator=(const FileForTests&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace unfrag::rehearsal
