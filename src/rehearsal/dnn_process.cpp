#include "rehearsal/dnn_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/os.h"
#include "rehearsal/dnn_protocol.h"
#include "rehearsal/null_library.h"

namespace unfrag::rehearsal {
namespace {

constexpr int kWaiting = 16;

/// A socket that listens at `path`, for this user alone; -1 where there can be none.
int listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (file < 0) return -1;
  if (bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      chmod(path.c_str(), S_IRUSR | S_IWUSR) == 0 && listen(file, kWaiting) == 0) {
    return file;
  }
  close(file);
  return -1;
}

/// 0 where it cannot be started. In a group of its own, which the terminal's signals do not reach, and with nothing of
/// this environment that may tell cuDNN to write or to load something.
pid_t spawn(const std::string& program, const DnnOptions& options, const std::string& device, int socket, int pipe) {
  std::array<std::string, 4> words = {program, options.library, device, std::to_string(options.seconds)};
  std::array<char*, 5> arguments = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  std::string search = fmt::format("LD_LIBRARY_PATH={}", options.library);
  if (const auto others = os::environment("LD_LIBRARY_PATH")) search += fmt::format(":{}", *others);
  std::array<char*, 2> environment = {search.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t process = 0;
  const int failed =
      posix_spawn(&process, program.c_str(), &actions, &attributes, arguments.data(), environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? process : 0;
}

}  // namespace

std::optional<DnnProcess> DnnProcess::start(const PrivateFolder& folder, const DnnOptions& options) {
  const auto program = folder.write("unfrag-dnn", std::string(dnn_server()));
  const auto device = folder.write("device.json", options.device);
  if (!program || !device || chmod(program->c_str(), S_IRWXU) != 0) return std::nullopt;
  std::array<int, 2> pipe{};
  if (pipe2(pipe.data(), O_CLOEXEC) != 0) return std::nullopt;
  const int socket = listen_at(folder.path() + "/" + dnn_protocol::kSocketName);
  const pid_t process = socket < 0 ? 0 : spawn(*program, options, *device, socket, pipe[0]);
  if (socket >= 0) close(socket);
  close(pipe[0]);
  if (process != 0) return DnnProcess(process, pipe[1]);
  close(pipe[1]);
  return std::nullopt;
}

DnnProcess::DnnProcess(DnnProcess&& other) noexcept
    : process_(std::exchange(other.process_, 0)), pipe_(std::exchange(other.pipe_, -1)) {}

DnnProcess::~DnnProcess() {
  if (process_ == 0) return;
  close(pipe_);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace unfrag::rehearsal
