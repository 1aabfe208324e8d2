#include "rehearsal/dnn_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/os.h"
#include "rehearsal/dnn_socket.h"
#include "rehearsal/null_library.h"

namespace unfrag::rehearsal {
namespace {

constexpr int kWaiting = 16;

/// A socket that listens in `folder`, for this user alone; -1 where there can be none.
int listen_in(const std::string& folder) {
  const int file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (file < 0) return -1;
  if (dnn_protocol::at_socket(bind, file, folder) &&
      chmod(fmt::format("{}/{}", folder, dnn_protocol::kSocketName).c_str(), S_IRUSR | S_IWUSR) == 0 &&
      listen(file, kWaiting) == 0) {
    return file;
  }
  const int why = errno;
  close(file);
  errno = why;
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
  errno = failed;
  return failed == 0 ? process : 0;
}

}  // namespace

Result<DnnProcess> DnnProcess::start(const PrivateFolder& folder, const DnnOptions& options) {
  const auto program = folder.write("unfrag-dnn", std::string(dnn_server()));
  if (!program) return program.error();
  const auto device = folder.write("device.json", options.device);
  if (!device) return device.error();
  const auto failed = [&](const char* what) {
    return Error{ErrorKind::kOutput, folder.path(), fmt::format("{}: {}", what, std::strerror(errno)), ""};
  };
  std::array<int, 2> pipe{};
  if (chmod(program->c_str(), S_IRWXU) != 0 || pipe2(pipe.data(), O_CLOEXEC) != 0) return failed("no program or pipe");
  const int socket = listen_in(folder.path());
  const pid_t process = socket < 0 ? 0 : spawn(*program, options, *device, socket, pipe[0]);
  const Error error = failed(socket < 0 ? "no socket can be made" : "the process that has it cannot be started");
  if (socket >= 0) close(socket);
  close(pipe[0]);
  if (process != 0) return DnnProcess(folder.path(), process, pipe[1]);
  close(pipe[1]);
  return error;
}

std::string DnnProcess::trouble() const {
  std::array<char, 4096> packet{};
  ssize_t size = 0;
  const int file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (file >= 0 && dnn_protocol::at_socket(connect, file, folder_)) {
    while ((size = recv(file, packet.data(), packet.size(), 0)) < 0 && errno == EINTR) {
    }
  }
  if (file >= 0) close(file);
  dnn_protocol::Greeting greeting;
  if (size < ssize_t{sizeof greeting}) return "the process that loads it ends without a word";
  std::memcpy(&greeting, packet.data(), sizeof greeting);
  if (greeting.version >= dnn_protocol::kFirstVersion) return "";
  if (greeting.version != 0) return "it is too old to be asked; --cudnn FOLDER names another, 9.8 or later";
  return {packet.data() + sizeof greeting, static_cast<size_t>(size) - sizeof greeting};
}

DnnProcess::DnnProcess(DnnProcess&& other) noexcept
    : folder_(std::move(other.folder_)),
      process_(std::exchange(other.process_, 0)),
      pipe_(std::exchange(other.pipe_, -1)) {}

DnnProcess::~DnnProcess() {
  if (process_ == 0) return;
  close(pipe_);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace unfrag::rehearsal
