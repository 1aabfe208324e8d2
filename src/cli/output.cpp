#include "cli/output.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/os.h"
#include "base/text.h"

namespace unfrag::cli {
namespace {

constexpr size_t kDefaultWidth = 80;
constexpr size_t kWidest = 160;  // longer lines are hard to read, however wide the terminal

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage: return 2;
    case ErrorKind::kBadInput: return 3;
    case ErrorKind::kMissing: return 4;
    case ErrorKind::kOutput: break;
  }
  return 5;
}

int report_error(const Error& error, std::string_view file) {
  fmt::print(stderr, "unfrag: error: {}\n", error_text(error, file));
  return exit_code(error.kind);
}

bool use_color(const CommonOptions& options) {
  if (options.color != "auto") return options.color == "always";
  if (!options.output.empty() || os::environment("NO_COLOR") || os::environment("TERM") == "dumb") return false;
  return os::is_terminal(os::Stream::kOut);
}

bool use_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto locale = os::environment(name);
    if (!locale) continue;
    return locale->find("UTF-8") != std::string::npos || locale->find("utf8") != std::string::npos ||
           locale->find("utf-8") != std::string::npos;
  }
  return false;
}

size_t text_width(const CommonOptions& options) {
  if (options.width != 0) return options.width;
  if (const auto columns = os::terminal_columns(); columns && options.output.empty()) {
    return std::min<size_t>(static_cast<size_t>(*columns), kWidest);
  }
  return kDefaultWidth;
}

report::TextOptions text_options(const CommonOptions& options) {
  return {.width = text_width(options), .unicode = use_unicode(), .color = use_color(options), .quiet = options.quiet};
}

int write_output(const std::string& content, const CommonOptions& options, const std::vector<std::string>& inputs) {
  if (!options.output.empty() && options.output != "-") {
    for (const std::string& input : inputs) {
      if (input == "-" || !os::same_file(options.output, input)) continue;
      return report_error({ErrorKind::kUsage, "", "-o names an input file", "another name"}, options.output);
    }
    const auto written = os::write_file(options.output, content);
    return written ? kExitFine : report_error(written.error());
  }
  errno = 0;
  const size_t written = std::fwrite(content.data(), 1, content.size(), stdout);
  if (written == content.size() && std::fflush(stdout) == 0) return kExitFine;
  if (errno == EPIPE) return kExitFine;
  return report_error({ErrorKind::kOutput, "standard output", std::string("cannot be written: ") + std::strerror(errno),
                       "-o FILE in a place with room"});
}

Progress::Progress(bool enabled)
    : enabled_(enabled && os::is_terminal(os::Stream::kError)), next_ms_(now_ms() + 1000) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::show(uint64_t bytes_read) {
  if (is_due()) print(fmt::format("reading: {}", format_bytes(Bytes(bytes_read))));
}

void Progress::show_part(size_t done, size_t of) {
  if (is_due()) print(fmt::format("replaying: {} of {}", done, of));
}

bool Progress::is_due() const { return enabled_ && now_ms() >= next_ms_; }

void Progress::print(const std::string& text) {
  fmt::print(stderr, "\r\x1b[K{}", text);
  std::fflush(stderr);
  shown_ = true;
  next_ms_ = now_ms() + 200;
}

}  // namespace unfrag::cli
