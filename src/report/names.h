// What things are called in a report: places in the program, pools, devices, moments. Everything that came from the
// file is escaped. Threads: pure functions of the Explanation.
#pragma once

#include <string>
#include <string_view>

#include "analyze/explanation.h"

namespace unfrag::report {

/// A file as an argument of a command; FILE for standard input.
std::string file_argument(const std::string& path);
/// The options that say how a recording was read, each behind a space; of a file with several GPUs the device too.
std::string reading_options(const trace::Trace& trace, int device, const replay::ReadOptions& read);
/// An argument that any shell takes as it is.
std::string shell_word(const std::string& text);
/// Settings in a sentence, where a line can break between them.
std::string settings_prose(const std::string& conf);
/// A file in a sentence.
std::string display_path(const std::string& path);
/// The environment variable that sets the allocator. Source: 2.12 is the first release whose files show that it knows
/// the new name for every key.
std::string_view conf_variable(const trace::Dialect& dialect);
/// "PYTORCH_CUDA_ALLOC_CONF=...", ready to paste into a shell.
std::string settings_line(const trace::Dialect& dialect, const std::string& conf);

class Names {
 public:
  explicit Names(const analyze::Explanation& explanation) : e_(explanation) {}

  [[nodiscard]] std::string text(trace::StringIdx idx) const;
  /// "train.py:38 train", of the user's own line in a stack.
  [[nodiscard]] std::string place(trace::StackIdx stack) const;
  [[nodiscard]] std::string place(trace::FrameIdx frame, analyze::Origin origin) const;
  [[nodiscard]] std::string holder(const analyze::Holder& holder) const;
  /// "Device 0", "Pinned host memory".
  [[nodiscard]] static std::string device(const analyze::DeviceFindings& d);
  /// "large, stream 7, private pool (1, 0)".
  [[nodiscard]] static std::string pool(const analyze::PoolUse& use);
  /// "when memory ran out, after entry 116".
  [[nodiscard]] static std::string moment(const analyze::DeviceFindings& d);
  [[nodiscard]] std::string file() const { return file_argument(e_.path); }

 private:
  const analyze::Explanation& e_;
};

}  // namespace unfrag::report
