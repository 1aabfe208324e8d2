#include "rehearsal/private_folder.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/os.h"

namespace unfrag::rehearsal {

PrivateFolder::PrivateFolder(std::string path) : path_(std::move(path)) {}
PrivateFolder::PrivateFolder(PrivateFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Result<PrivateFolder> PrivateFolder::make() {
  // The program may go to another folder.
  std::string path = std::filesystem::absolute(os::environment("TMPDIR").value_or("/tmp")).string() + "/unfrag-XXXXXX";
  if (path.find_first_of(" :") != std::string::npos) {  // LD_PRELOAD is a list, and takes either for its end
    return Error{ErrorKind::kOutput, path, "its name has a space or a colon", "TMPDIR=FOLDER without"};
  }
  if (mkdtemp(path.data()) != nullptr) return PrivateFolder(std::move(path));
  return Error{ErrorKind::kOutput, path, fmt::format("no folder can be made there: {}", std::strerror(errno)),
               "TMPDIR=FOLDER with room"};
}

Result<std::string> PrivateFolder::write(const std::string& name, const std::string& content) const {
  std::string path = path_ + "/" + name;
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  if (file) return path;
  return Error{ErrorKind::kOutput, path, "it cannot be written", "TMPDIR=FOLDER with room"};
}

}  // namespace unfrag::rehearsal
