// A folder of this run's own, which only the user can enter and which is gone when the run is.
//
// Where the run was killed it stays, and a later one removes it. So that none removes a folder in use, or one that only
// has such a name, it has a mark, which says on which machine it was made; and whoever uses it, the processes of the
// program included (null/stage.cpp), holds a shared lock on it, which ends with them. Threads: one owner.
#pragma once

#include <string>

#include "base/result.h"

namespace unfrag::rehearsal {

class PrivateFolder {
 public:
  /// In TMPDIR, else /tmp. Errors: kOutput.
  static Result<PrivateFolder> make();
  ~PrivateFolder();
  PrivateFolder(PrivateFolder&& other) noexcept;
  PrivateFolder& operator=(PrivateFolder&&) = delete;

  /// Removes those of this user, on this machine, that nobody uses any more.
  static void remove_stale();
  /// Removes one while something may still be written to it.
  static void remove(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Errors: kOutput.
  Result<std::string> write(const std::string& name, const std::string& content) const;

 private:
  explicit PrivateFolder(std::string path) : path_(std::move(path)) {}
  void lock_and_mark();

  std::string path_;
  int lock_ = -1;
};

}  // namespace unfrag::rehearsal
