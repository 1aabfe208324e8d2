// The few things only the operating system knows. The implementations (os_posix.cpp) are the
// only places in the portable folders that include system headers. Threads: safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"

namespace unfrag::os {

enum class Stream { kOut, kError };

/// Whether a standard stream is a terminal.
bool is_terminal(Stream stream);

/// Columns of the terminal behind standard output, where there is one.
std::optional<int> terminal_columns();

/// The value of an environment variable, where it is set and not empty.
std::optional<std::string> environment(const char* name);

/// Whether two paths name the same existing file.
bool same_file(const std::string& a, const std::string& b);

/// Writes `content` beside `path` and renames, so that `path` is either the old file or the whole new one.
/// Errors: kOutput with the system's reason.
Result<bool> write_file(const std::string& path, const std::string& content);

/// Whether write_file could begin, for those that work long before they write. Leaves nothing behind.
/// Errors: as write_file's.
Result<bool> check_writable(const std::string& path);

/// Asks for large pages behind [memory, memory + bytes), where the system has them.
void advise_large_pages(void* memory, size_t bytes);

/// Makes a closed pipe end the program silently rather than by a signal or message.
void ignore_broken_pipes();

}  // namespace unfrag::os
