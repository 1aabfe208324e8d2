#include "recording/record.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "recording/carried.h"
#include "recording/poke.h"
#include "rehearsal/private_folder.h"
#include "rehearsal/program_command.h"

namespace unfrag::recording {
namespace {

namespace fs = std::filesystem;

/// Errors: kOutput.
Result<bool> write_modules(const rehearsal::PrivateFolder& folder) {
  std::error_code ignored;
  fs::create_directory(folder.path() + "/python", ignored);
  for (const auto& [name, text] :
       {std::pair("python/sitecustomize.py", site_module()), std::pair("python/recorded_program.py", program_module()),
        std::pair("python/recorder.py", recorder_module())}) {
    if (const auto written = folder.write(name, std::string(text)); !written) return written.error();
  }
  return true;
}

/// One fact of a process's notes: see recorded_program.py.
void read_fact(std::string_view line, Process& process) {
  const auto after = [&](std::string_view words) {
    return line.starts_with(words) ? std::optional(std::string(line.substr(words.size()))) : std::nullopt;
  };
  if (line == "cuda") process.used_cuda = true;
  if (auto path = after("wrote oom ")) process.files.push_back({Moment::kOom, std::move(*path)});
  if (auto path = after("wrote end ")) process.files.push_back({Moment::kEnd, std::move(*path)});
  if (auto path = after("wrote poke ")) process.files.push_back({Moment::kPoke, std::move(*path)});
  if (auto text = after("note ")) process.notes.push_back(std::move(*text));
  if (auto text = after("failed ")) process.failures.push_back(std::move(*text));
}

std::vector<Process> read_processes(const std::string& folder) {
  constexpr std::string_view kPrefix = "process.";
  std::vector<Process> processes;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    Process process;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), process.number);
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) read_fact(line, process);
    processes.push_back(std::move(process));
  }
  std::ranges::sort(processes, {}, [](const Process& one) {
    return std::pair(one.files.empty() ? std::string() : one.files.front().path, one.number);
  });
  return processes;
}

}  // namespace

Result<Recorded> record(const Request& request) {
  rehearsal::Signals signals;
  auto folder = rehearsal::PrivateFolder::make();
  if (!folder) return folder.error();
  signals.answer(folder->path());
  if (const auto written = write_modules(*folder); !written) return written.error();
  rehearsal::ChildOptions options;
  options.environment = {{"PYTHONPATH", rehearsal::python_path_with(folder->path() + "/python")},
                         {"UNFRAG_RECORD_FOLDER", folder->path()},
                         {"UNFRAG_RECORD_FILE", fs::absolute(request.file).lexically_normal().string()},
                         {"UNFRAG_RECORD_ENTRIES", std::to_string(request.max_entries)},
                         {"UNFRAG_RECORD_PARENT", std::to_string(getpid())},
                         {"UNFRAG_RECORD_SOCKETS", make_socket_folder().value_or("")}};
  const auto ending = rehearsal::run_child(rehearsal::command_for(request.python, request.program), options, signals);
  remove_sockets(static_cast<uint32_t>(getpid()));
  if (!ending) return ending.error();
  return Recorded{
      .ending = *ending, .loaded = fs::exists(folder->path() + "/loaded"), .processes = read_processes(folder->path())};
}

}  // namespace unfrag::recording
