#include "cli/program_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace unfrag::cli {

namespace {

constexpr std::string_view kSeparator = "--";
char stand_in[] = "\x01--";  // NOLINT(modernize-avoid-c-arrays): argv holds pointers to characters

}  // namespace

void keep_separators(int argc, char** argv) {
  if (argc < 2 || (argv[1] != std::string_view("rehearse") && argv[1] != std::string_view("record"))) return;
  for (int i = 2; i < argc; ++i) {
    if (argv[i] == kSeparator) argv[i] = stand_in;
  }
}

std::vector<std::string> program_words(const CLI::App& command) {
  std::vector<std::string> words = command.remaining();
  if (!words.empty() && words.front() == stand_in) words.erase(words.begin());
  std::ranges::replace(words, std::string(stand_in), std::string(kSeparator));
  return words;
}

Result<bool> check_program(const std::vector<std::string>& program, const std::string& command,
                           const std::string& example) {
  if (program.empty() || (program.front() == "-m" && program.size() == 1)) {
    return Error{ErrorKind::kUsage, "", fmt::format("no program to {}", command), example};
  }
  if (program.front() != "-m" && program.front().starts_with("-")) {
    return Error{ErrorKind::kUsage, "", fmt::format("{} is no option of {}", program.front(), command),
                 fmt::format("unfrag {} --help", command)};
  }
  return true;
}

}  // namespace unfrag::cli
