#include "rehearsal/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX has it in no header

namespace unfrag::rehearsal {
namespace {

/// A null-ended array of C strings, as exec wants it.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (!added.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : added) all.push_back(fmt::format("{}={}", name, value));
  return all;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/// The program that signals go on to; 0: none.
volatile sig_atomic_t running = 0;
void pass_on(int signal) {
  if (running != 0) kill(static_cast<pid_t>(running), signal);
}

/// While it lives, this process leaves the terminal's signals to its child, which has them too, and passes on those
/// that would end this process alone. It goes on, to tell what there is to tell and to clean up.
class SignalsToChild {
 public:
  SignalsToChild() {
    for (size_t i = 0; i < kSignals.size(); ++i) {
      const bool of_terminal = kSignals[i] == SIGINT || kSignals[i] == SIGQUIT;
      before_[i] = std::signal(kSignals[i], of_terminal ? SIG_IGN : pass_on);
    }
  }
  ~SignalsToChild() {
    running = 0;
    for (size_t i = 0; i < kSignals.size(); ++i) std::signal(kSignals[i], before_[i]);
  }
  SignalsToChild(const SignalsToChild&) = delete;
  SignalsToChild& operator=(const SignalsToChild&) = delete;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
  std::array<void (*)(int), kSignals.size()> before_{};
};

}  // namespace

std::optional<std::string> output_of(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<std::string> words = command;
  pid_t child = 0;
  const int failed = posix_spawnp(&child, words[0].c_str(), &actions, nullptr, pointers(words).data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; failed == 0 && (count = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(count));
  }
  close(ends[0]);
  if (failed != 0) return std::nullopt;
  const int status = wait_for(child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? std::optional(text) : std::nullopt;
}

Result<Ending> run_child(const std::vector<std::string>& command, const ChildOptions& options) {
  std::vector<std::string> words = command;
  std::vector<std::string> variables = environment_with(options.environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (options.output_to_error) posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  if (!options.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t terminal;
  sigemptyset(&terminal);
  sigaddset(&terminal, SIGINT);
  sigaddset(&terminal, SIGQUIT);
  sigaddset(&terminal, SIGPIPE);
  sigaddset(&terminal, SIGTERM);
  sigaddset(&terminal, SIGHUP);
  posix_spawnattr_setsigdefault(&attributes, &terminal);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const SignalsToChild signals;
  pid_t child = 0;
  const int failed =
      posix_spawnp(&child, words[0].c_str(), &actions, &attributes, pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    return Error{ErrorKind::kMissing, "", fmt::format("{} cannot be started: {}", command[0], std::strerror(failed)),
                 "its full path"};
  }
  running = child;
  const int status = wait_for(child);
  if (WIFSIGNALED(status)) return Ending{.exit_code = 128 + WTERMSIG(status), .signal = WTERMSIG(status)};
  return Ending{.exit_code = WEXITSTATUS(status)};
}

}  // namespace unfrag::rehearsal
