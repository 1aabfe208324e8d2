#include "rehearsal/scratch.h"

#include <fmt/format.h>

#include <filesystem>

namespace unfrag::rehearsal {

Result<bool> copy_folder(const std::string& folder, const std::string& copy) {
  using std::filesystem::copy_options;
  std::error_code error;
  std::filesystem::copy(folder, copy, copy_options::recursive | copy_options::copy_symlinks, error);
  if (!error) return true;
  return Error{ErrorKind::kOutput, folder, fmt::format("it cannot be copied for --scratch: {}", error.message()),
               "TMPDIR=FOLDER with room"};
}

}  // namespace unfrag::rehearsal
