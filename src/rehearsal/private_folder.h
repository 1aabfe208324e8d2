// A folder of this run's own, which only the user can enter and which is gone when the run is. Threads: one owner.
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

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Errors: kOutput.
  Result<std::string> write(const std::string& name, const std::string& content) const;

 private:
  explicit PrivateFolder(std::string path);
  std::string path_;
};

}  // namespace unfrag::rehearsal
