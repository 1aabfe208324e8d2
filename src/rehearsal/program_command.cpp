#include "rehearsal/program_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/os.h"

namespace unfrag::rehearsal {
namespace {

bool is_program(const std::string& path) { return access(path.c_str(), X_OK) == 0; }

}  // namespace

std::string default_python() {
  if (const auto environment = os::environment("VIRTUAL_ENV")) return *environment + "/bin/python";
  return "python3";
}

std::vector<std::string> command_for(const std::string& python, std::vector<std::string> program) {
  if (program[0] == "-m" || program[0].ends_with(".py")) {
    program.insert(program.begin(), python);
    return program;
  }
  if (program[0].find('/') == std::string::npos) {
    const std::string beside = std::filesystem::path(python).parent_path() / program[0];
    if (python.find('/') != std::string::npos && is_program(beside)) program[0] = beside;
  }
  return program;
}

std::string python_path_with(const std::string& folder) {
  const auto others = os::environment("PYTHONPATH");
  return others ? fmt::format("{}:{}", folder, *others) : folder;
}

}  // namespace unfrag::rehearsal
