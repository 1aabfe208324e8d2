#ifndef _WIN32
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/os.h"

namespace unfrag::os {

bool is_terminal(Stream stream) { return isatty(stream == Stream::kOut ? STDOUT_FILENO : STDERR_FILENO) != 0; }

std::optional<int> terminal_columns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

std::optional<std::string> environment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error);
}

Result<bool> write_file(const std::string& path, const std::string& content) {
  const auto failed = [&](const std::error_code& error) {
    return Error{ErrorKind::kOutput, path, "cannot be written: " + error.message(), "another place for -o"};
  };
  const std::string beside = path + ".unfrag-" + std::to_string(getpid());
  errno = 0;
  {
    std::ofstream file(beside, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) {
      const std::error_code error(errno == 0 ? EIO : errno, std::generic_category());
      std::error_code ignored;
      std::filesystem::remove(beside, ignored);
      return failed(error);
    }
  }
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  if (!error) return true;
  std::error_code ignored;
  std::filesystem::remove(beside, ignored);
  return failed(error);
}

void advise_large_pages(void* memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
  madvise(memory, bytes, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

void ignore_broken_pipes() { signal(SIGPIPE, SIG_IGN); }

}  // namespace unfrag::os
#endif
