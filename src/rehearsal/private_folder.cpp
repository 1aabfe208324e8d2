#include "rehearsal/private_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/os.h"

namespace unfrag::rehearsal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBeginning = "unfrag-";
constexpr const char* kMark = "unfrag-rehearsal";

/// The program may go to another folder.
fs::path temporary_folder() { return fs::absolute(os::environment("TMPDIR").value_or("/tmp")); }

/// Of the machine since it was started: a lock says nothing about another that shares the disk. Empty: not known.
std::string this_machine() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

std::string mark_of(int folder) {
  const int file = openat(folder, kMark, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return "";
  std::array<char, 64> text{};
  const ssize_t size = read(file, text.data(), text.size());
  close(file);
  return size > 0 ? std::string(text.data(), static_cast<size_t>(size)) : "";
}

/// The mark goes last, so that what is left after an interruption is still known.
void remove_folder(const fs::path& folder) {
  std::error_code ignored;
  for (fs::directory_iterator one(folder, ignored), end; one != end; one.increment(ignored)) {
    if (one->path().filename() != kMark) fs::remove_all(one->path(), ignored);
  }
  fs::remove_all(folder, ignored);
}

bool is_stale(int folder) {
  struct stat facts{};
  if (fstat(folder, &facts) != 0 || facts.st_uid != geteuid()) return false;
  if (flock(folder, LOCK_EX | LOCK_NB) != 0) return false;
  const std::string mark = mark_of(folder);
  return !mark.empty() && mark == this_machine();
}

}  // namespace

PrivateFolder::PrivateFolder(PrivateFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}

PrivateFolder::~PrivateFolder() {
  if (!path_.empty()) remove_folder(path_);
  if (lock_ >= 0) close(lock_);
}

Result<PrivateFolder> PrivateFolder::make() {
  std::string path = temporary_folder().string() + "/" + kBeginning + "XXXXXX";
  if (path.find_first_of(" :") != std::string::npos) {  // LD_PRELOAD is a list, and takes either for its end
    return Error{ErrorKind::kOutput, path, "its name has a space or a colon", "TMPDIR=FOLDER without"};
  }
  if (mkdtemp(path.data()) == nullptr) {
    return Error{ErrorKind::kOutput, path, fmt::format("no folder can be made there: {}", std::strerror(errno)),
                 "TMPDIR=FOLDER with room"};
  }
  PrivateFolder folder(std::move(path));
  folder.lock_and_mark();
  return folder;
}

// In this order: until it has the mark, whoever looks at it leaves it. Where there are no locks it never has one.
void PrivateFolder::lock_and_mark() {
  lock_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ >= 0 && flock(lock_, LOCK_SH) == 0) (void)!write(kMark, this_machine()).ok();
}

void PrivateFolder::remove_stale() {
  std::error_code ignored;
  for (fs::directory_iterator one(temporary_folder(), ignored), end; one != end; one.increment(ignored)) {
    if (!one->path().filename().string().starts_with(kBeginning)) continue;
    const int folder = open(one->path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) continue;
    if (is_stale(folder)) remove_folder(one->path());
    close(folder);
  }
}

// Under another name nothing new comes into it.
void PrivateFolder::remove(const std::string& path) {
  std::error_code ignored;
  const std::string gone = path + ".gone";
  fs::rename(path, gone, ignored);
  remove_folder(ignored ? path : gone);
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
