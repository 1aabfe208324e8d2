#include "rehearsal/rehearse.h"

#include <fmt/format.h>
#include <x86intrin.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include "base/os.h"
#include "rehearsal/device_description.h"
#include "rehearsal/dnn_process.h"
#include "rehearsal/elf_imports.h"
#include "rehearsal/null_library.h"
#include "rehearsal/program_command.h"
#include "rehearsal/scratch.h"
#include "rehearsal/shell_library.h"
#include "rehearsal/shells.h"
#include "rehearsal/step_limit.h"

namespace unfrag::rehearsal {
namespace {

/// What torch's libraries ask for.
Result<std::vector<ElfImports>> imports_of(const TorchInstall& torch) {
  std::vector<ElfImports> all;
  for (const std::string& path : libraries_of(torch)) {
    auto imports = read_imports(path);
    if (!imports) return imports.error();
    all.push_back(std::move(*imports));
  }
  return all;
}

/// Writes all libraries; returns what LD_PRELOAD has to say.
Result<std::string> write_libraries(const PrivateFolder& folder, const TorchInstall& torch) {
  const auto null_device = folder.write(std::string(kNullLibraryName), std::string(null_library()));
  if (!null_device) return null_device.error();
  const auto own = read_imports(*null_device);
  if (!own) return own.error();
  const auto imports = imports_of(torch);
  if (!imports) return imports.error();
  std::string preload = *null_device;
  const Dispatcher dispatcher{.library = std::string(kNullLibraryName), .symbol = std::string(kDispatcher)};
  for (const ShellLibrary& shell : decide_shells(*imports, own->defined)) {
    const auto path = folder.write(shell.soname, to_elf(shell, dispatcher));
    if (!path) return path.error();
    preload += ":" + *path;
  }
  return preload;
}

/// The module that ends the program lies in a folder of its own. Errors: kOutput.
Result<std::string> add_step_limit(const PrivateFolder& folder) {
  std::error_code ignored;
  std::filesystem::create_directory(folder.path() + "/python", ignored);
  const auto module = folder.write("python/sitecustomize.py", std::string(step_limit_module()));
  if (!module) return module.error();
  return python_path_with(folder.path() + "/python");
}

/// Copies the working folder, and has the command name what is in the copy. Errors: kUsage, kOutput.
Result<std::string> move_to_copy(const PrivateFolder& folder, std::vector<std::string>& command) {
  const std::string here = std::filesystem::current_path().string();
  const std::string parent = std::filesystem::canonical(folder.path()).string();
  if (parent.starts_with(here + "/")) {
    return Error{ErrorKind::kUsage, folder.path(), "--scratch would copy this folder into itself",
                 "TMPDIR=FOLDER outside of it"};
  }
  const std::string copy = parent + "/scratch";
  if (const auto copied = copy_folder(here, copy); !copied) return copied.error();
  // Not its first word, an interpreter or a program that may need what lies around it.
  for (size_t i = 1; i < command.size(); ++i) command[i] = word_in_copy(command[i], here, copy);
  return copy;
}

std::map<std::string, std::string> environment_for(const PrivateFolder& folder, std::string preload) {
  if (const auto others = os::environment("LD_PRELOAD")) preload += ":" + *others;
  std::map<std::string, std::string> environment = {
      {"LD_PRELOAD", std::move(preload)}, {"UNFRAG_REHEARSAL_FOLDER", folder.path()}, {"UNFRAG_REHEARSAL", "1"}};
  if (!os::environment("WANDB_MODE")) environment["WANDB_MODE"] = "offline";
  // Seconds, 10 unless said: a thread of autograd that null/python_exit.cpp holds does not end.
  constexpr auto kLimit = "TORCH_AUTOGRAD_SHUTDOWN_WAIT_LIMIT";
  if (!os::environment(kLimit)) environment[kLimit] = "0.1";
  return environment;
}

/// As long as it lives, the real cuDNN can be asked.
std::optional<Result<DnnProcess>> start_dnn(const PrivateFolder& folder, const Request& request) {
  if (request.dnn.empty()) return std::nullopt;
  const Presented& presented = request.presented;
  return DnnProcess::start(folder,
                           {.library = request.dnn, .device = device_description(*presented.gpu, presented.memory)});
}

/// How long a tick of the processor's clock is, from all the time since it was made.
class Clock {
 public:
  [[nodiscard]] double seconds_per_tick() const {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began_;
    return passed.count() / static_cast<double>(__rdtsc() - ticks_);
  }

 private:
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  const uint64_t ticks_ = __rdtsc();
};

}  // namespace

std::string Rehearsed::dnn_trouble() const {
  if (!dnn) return "";
  return *dnn ? (*dnn)->trouble() : dnn->error().what;
}

Result<Rehearsed> rehearse(const TorchInstall& torch, const Request& request) {
  const auto places = find_allocator(torch);
  if (!places) return places.error();
  PrivateFolder::remove_stale();
  auto signals = std::make_unique<Signals>();
  auto folder = PrivateFolder::make();
  if (!folder) return folder.error();
  signals->answer(folder->path());
  auto preload = write_libraries(*folder, torch);
  if (!preload) return preload.error();
  const auto stage = folder->write("stage", stage_text(request.presented, torch, *places));
  if (!stage) return stage.error();
  ChildOptions options{.environment = environment_for(*folder, std::move(*preload)),
                       .output_to_error = request.output_to_error};
  if (request.steps > 0) {
    auto path = add_step_limit(*folder);
    if (!path) return path.error();
    options.environment["PYTHONPATH"] = std::move(*path);
    options.environment[kStepsVariable] = std::to_string(request.steps);
  }
  std::vector<std::string> command = command_for(request.python, request.program);
  if (request.scratch) {
    const auto copy = move_to_copy(*folder, command);
    if (!copy) return copy.error();
    options.folder = *copy;
  }
  auto dnn = start_dnn(*folder, request);
  const Clock clock;
  const auto ending = [&] {
    const Watcher watcher(folder->path(), request.progress, std::chrono::seconds(5));
    return run_child(command, options, *signals);
  }();
  if (!ending) return ending.error();
  std::ifstream loaded(folder->path() + "/loaded");
  if (ending->interrupted == 0 && !loaded) {
    return Error{ErrorKind::kMissing, folder->path(), "the program did not load the null device from there",
                 "TMPDIR=FOLDER from which programs can be run"};
  }
  std::vector<std::string> logs = logs_in(folder->path());
  const auto made = steps_made(folder->path() + "/python");
  return Rehearsed{.torch = torch,
                   .ending = *ending,
                   .seconds_per_tick = clock.seconds_per_tick(),
                   .signals = std::move(signals),
                   .folder = std::move(*folder),
                   .dnn = std::move(dnn),
                   .other_torches = find_other_torches(loaded, torch),
                   .steps_made = made,
                   .logs = std::move(logs)};
}

}  // namespace unfrag::rehearsal
