// What all commands share on the way out: error messages, exit codes, output to a file or standard output.
// Threads: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/explain_text.h"

namespace unfrag::cli {

inline constexpr int kExitFine = 0;
inline constexpr int kExitGate = 1;  ///< A gate that was set does not hold.

/// 2 usage, 3 bad input, 4 something missing, 5 could not write.
int exit_code(ErrorKind kind);

/// Prints `unfrag: error: FILE@WHERE: WHAT; try ACTION` on standard error and returns the exit code.
int report_error(const Error& error, std::string_view file = {});

/// Options that every command has.
struct CommonOptions {
  std::string format = "text";  ///< "text", "json", or another that the command has.
  std::string color = "auto";   ///< "auto", "always" or "never"
  std::string output;           ///< -o FILE; empty: standard output
  bool quiet = false;
  size_t width = 0;  ///< 0: the terminal's
};

bool use_color(const CommonOptions& options);
/// Whether the locale shows UTF-8.
bool use_unicode();
size_t text_width(const CommonOptions& options);
/// For the reports that take no more options than those.
report::TextOptions text_options(const CommonOptions& options);

/// Writes the whole output of a command: to -o FILE (beside it, then renamed) or to standard output, where a closed
/// pipe is no error. `inputs`: files that -o may not name. Returns an exit code.
int write_output(const std::string& content, const CommonOptions& options, const std::vector<std::string>& inputs);

/// A line on a terminal's standard error that says how far the work is, from one second on.
class Progress {
 public:
  explicit Progress(bool enabled);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(uint64_t bytes_read);
  void show_part(size_t done, size_t of);

 private:
  [[nodiscard]] bool is_due() const;
  void print(const std::string& text);

  bool enabled_;
  bool shown_ = false;
  int64_t next_ms_;
};

}  // namespace unfrag::cli
