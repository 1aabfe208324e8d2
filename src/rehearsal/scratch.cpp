#include "rehearsal/scratch.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/text.h"

namespace unfrag::rehearsal {
namespace {

namespace fs = std::filesystem;

/// The part of `path` after `folder` and a slash; nothing where it is not inside.
std::string inside(const std::string& path, const std::string& folder) {
  return path.starts_with(folder + "/") ? path.substr(folder.size() + 1) : "";
}

/// Where a link in the copy has to lead.
fs::path target_in_copy(const fs::path& link, const std::string& folder, const std::string& copy) {
  const fs::path target = fs::read_symlink(link);
  const fs::path led_to = (link.parent_path() / target).lexically_normal();
  if (const std::string within = inside(led_to, folder); !within.empty()) return fs::path(copy) / within;
  return led_to;
}

uint64_t bytes_in(const fs::path& folder) {
  uint64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_symlink() && entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

void copy_entries(const fs::path& from, const std::string& folder, const std::string& copy) {
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const fs::path to = fs::path(copy) / inside(entry.path(), folder);
    if (entry.is_symlink()) {
      fs::create_symlink(target_in_copy(entry.path(), folder, copy), to);
    } else if (entry.is_directory()) {
      fs::create_directory(to);  // its own permissions: others might keep what is in it out
      copy_entries(entry.path(), folder, copy);
    } else if (entry.is_regular_file()) {
      fs::copy_file(entry.path(), to);
    }
  }
}

}  // namespace

Result<bool> copy_folder(const std::string& folder, const std::string& copy) {
  try {
    const uint64_t needed = bytes_in(folder);
    const uint64_t room = fs::space(fs::path(copy).parent_path()).available;
    if (needed >= room) {
      return Error{
          ErrorKind::kOutput, folder,
          fmt::format("a copy of it for --scratch takes {}, and there are {} in {}", format_bytes(Bytes(needed)),
                      format_bytes(Bytes(room)), fs::path(copy).parent_path().string()),
          "TMPDIR=FOLDER with room"};
    }
    fs::create_directory(copy);
    copy_entries(folder, folder, copy);
    return true;
  } catch (const fs::filesystem_error& error) {
    return Error{ErrorKind::kOutput, error.path1().empty() ? folder : error.path1().string(),
                 fmt::format("it cannot be copied for --scratch: {}", error.code().message()),
                 "--scratch in a folder that can be read, or without it"};
  }
}

std::string word_in_copy(const std::string& word, const std::string& folder, const std::string& copy) {
  const std::string within = inside(word, folder);
  return within.empty() ? word : fmt::format("{}/{}", copy, within);
}

}  // namespace unfrag::rehearsal
