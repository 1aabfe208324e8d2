#ifndef _WIN32
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/os.h"

namespace unfrag::os {
namespace {

std::error_code write_to(const std::string& path, const std::string& content) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (file) return {};
  return {errno == 0 ? EIO : errno, std::generic_category()};
}

std::string beside_of(const std::filesystem::path& target) {
  return target.string() + ".unfrag-" + std::to_string(getpid());
}

Error cannot_write(const std::string& path, const std::error_code& why) {
  return {ErrorKind::kOutput, path, "cannot be written: " + why.message(), "another place for it"};
}

}  // namespace

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
  const auto failed = [&](const std::error_code& why) { return cannot_write(path, why); };
  std::error_code error;
  const std::filesystem::file_status old = std::filesystem::status(path, error);
  // A pipe or device is written to: renaming would put a file in its place.
  if (std::filesystem::exists(old) && !std::filesystem::is_regular_file(old)) {
    error = write_to(path, content);
    return error ? Result<bool>(failed(error)) : true;
  }
  const std::filesystem::path target =  // what a link points to, not the link
      std::filesystem::exists(old) ? std::filesystem::canonical(path, error) : std::filesystem::path(path);
  const std::string beside = beside_of(target);
  error = write_to(beside, content);
  if (!error && std::filesystem::exists(old)) std::filesystem::permissions(beside, old.permissions(), error);
  if (!error) std::filesystem::rename(beside, target, error);
  if (!error) return true;
  std::error_code ignored;
  std::filesystem::remove(beside, ignored);
  return failed(error);
}

Result<bool> check_writable(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status old = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(old)) return cannot_write(path, std::make_error_code(std::errc::is_a_directory));
  if (std::filesystem::exists(old) && !std::filesystem::is_regular_file(old)) return true;
  const std::string beside =
      beside_of(std::filesystem::exists(old) ? std::filesystem::canonical(path, error) : std::filesystem::path(path));
  error = write_to(beside, "");
  if (error) return cannot_write(path, error);
  std::filesystem::remove(beside, error);
  return true;
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
