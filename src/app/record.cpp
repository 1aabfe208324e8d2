#include "app/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "app/explain.h"
#include "base/os.h"
#include "recording/cuda_driver.h"
#include "recording/poke.h"
#include "recording/record.h"
#include "rehearsal/program_command.h"
#include "rehearsal/torch_install.h"

namespace unfrag::app {
namespace {

using report::Recorded;
using report::RecordedFile;

RecordedFile::Moment moment_of(recording::Moment moment) {
  switch (moment) {
    case recording::Moment::kOom: return RecordedFile::kOom;
    case recording::Moment::kPoke: return RecordedFile::kPoke;
    case recording::Moment::kEnd: break;
  }
  return RecordedFile::kEnd;
}

/// As the user would type it: programs write to the whole path, as they may go to another folder.
std::string as_typed(const std::string& path, const std::string& file) {
  const std::string here = std::filesystem::current_path().string() + "/";
  return !file.starts_with("/") && path.starts_with(here) ? path.substr(here.size()) : path;
}

/// What a process did, with its number where there are several.
void add_process(const recording::Process& process, const std::string& output, bool several, Recorded& recorded) {
  const std::string who = several ? fmt::format("process {}: ", process.number) : std::string();
  recorded.used_cuda = recorded.used_cuda || process.used_cuda;
  for (const recording::File& file : process.files) {
    recorded.files.push_back({moment_of(file.moment), as_typed(file.path, output)});
  }
  for (const std::string& note : process.notes) recorded.notes.push_back(who + note);
  for (const std::string& failure : process.failures) recorded.missing.push_back(who + failure);
  recorded.failed = recorded.failed || !process.failures.empty();
  const bool ended = std::ranges::any_of(
      process.files, [](const recording::File& file) { return file.moment == recording::Moment::kEnd; });
  if (process.used_cuda && !ended && process.failures.empty()) {
    recorded.missing.push_back(
        fmt::format("{}the recording at the end; os._exit, a signal or a crash ended the process before Python could "
                    "write it",
                    who));
  }
}

/// Errors: kBadInput where what was written cannot be read.
Result<bool> explain_first(Recorded& recorded) {
  std::ranges::stable_sort(recorded.files, {}, &RecordedFile::moment);
  if (recorded.files.empty()) return true;
  auto explanation = explain(recorded.files.front().path, {});
  if (!explanation) return explanation.error();
  recorded.explanation = std::move(*explanation);
  return true;
}

}  // namespace

Result<Recorded> record(const RecordOptions& options) {
  for (const std::string& word : options.program) {
    if (!os::same_file(options.file, word)) continue;
    return Error{ErrorKind::kUsage, options.file, "-o names a part of the program", "another name"};
  }
  if (const auto writable = os::check_writable(options.file); !writable) return writable.error();
  const std::string python = options.python.empty() ? rehearsal::default_python() : options.python;
  if (const auto torch = rehearsal::find_torch(python); !torch) return torch.error();
  if (const auto driver = recording::check_cuda_driver(python); !driver) return driver.error();
  const auto run = recording::record(
      {.python = python, .program = options.program, .file = options.file, .max_entries = options.max_entries});
  if (!run) return run.error();
  Recorded recorded{.program = fmt::format("{}", fmt::join(options.program, " ")),
                    .exit_code = run->ending.exit_code,
                    .loaded = run->loaded};
  const auto users = std::ranges::count_if(run->processes, &recording::Process::used_cuda);
  for (const recording::Process& process : run->processes) add_process(process, options.file, users > 1, recorded);
  if (const auto explained = explain_first(recorded); !explained) return explained.error();
  return recorded;
}

Result<Recorded> poke(uint32_t number) {
  auto files = recording::poke(number);
  if (!files) return files.error();
  Recorded recorded{.program = fmt::format("process {}", number), .loaded = true, .used_cuda = true};
  for (std::string& file : *files) recorded.files.push_back({RecordedFile::kPoke, std::move(file)});
  if (const auto explained = explain_first(recorded); !explained) return explained.error();
  return recorded;
}

}  // namespace unfrag::app
