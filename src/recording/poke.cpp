#include "recording/poke.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/os.h"

namespace unfrag::recording {
namespace {

namespace fs = std::filesystem;

constexpr int kPatienceMs = 60'000;  // a program may be within a long call

std::string socket_folder() {
  if (const auto runtime = os::environment("XDG_RUNTIME_DIR")) return *runtime + "/unfrag";
  return fmt::format("{}/unfrag-{}", os::environment("TMPDIR").value_or("/tmp"), geteuid());
}

/// Whether only this user can be in it: not a link, not somebody else's.
bool is_own(const std::string& folder) {
  struct stat facts{};
  return lstat(folder.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == geteuid() &&
         (facts.st_mode & 077) == 0;
}

struct Named {
  std::string path;
  unsigned command = 0;
  unsigned process = 0;
};

std::vector<Named> sockets_in(const std::string& folder) {
  std::vector<Named> all;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    Named one{.path = entry.path()};
    const std::string name = entry.path().filename();
    if (std::sscanf(name.c_str(), "record-%u-%u.sock", &one.command, &one.process) == 2) all.push_back(std::move(one));
  }
  std::ranges::sort(all, {}, &Named::process);
  return all;
}

/// An open file that is closed.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

/// What it says until it hangs up; nothing where it says nothing in time.
std::optional<std::string> read_all(int connection) {
  std::string text;
  char buffer[4096];
  for (;;) {
    pollfd waiting{.fd = connection, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, kPatienceMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    const ssize_t count = read(connection, buffer, sizeof buffer);
    if (count < 0) return std::nullopt;
    if (count == 0) return text;
    text.append(buffer, static_cast<size_t>(count));
  }
}

bool is_own_peer(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

Error missing(std::string what, std::string action) {
  return {ErrorKind::kMissing, "", std::move(what), std::move(action)};
}

Result<std::string> ask(const Named& named) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto none = [&] {
    return missing(fmt::format("process {} is no longer recorded", named.process), "the number that ps shows");
  };
  if (named.path.size() >= sizeof address.sun_path) return none();
  std::memcpy(address.sun_path, named.path.c_str(), named.path.size() + 1);
  const Descriptor connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as POSIX has it
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return none();
  if (!is_own_peer(connection.get())) return missing("that process is another user's", "as that user");
  auto answer = read_all(connection.get());
  if (!answer || answer->empty()) {
    return missing(fmt::format("process {} does not answer: it may be within a long call", named.process),
                   "again later");
  }
  if (answer->ends_with('\n')) answer->pop_back();
  constexpr std::string_view kWrote = "wrote ";
  constexpr std::string_view kRefused = "refused ";
  if (answer->starts_with(kWrote)) return answer->substr(kWrote.size());
  if (answer->starts_with(kRefused)) answer->erase(0, kRefused.size());
  return Error{ErrorKind::kOutput, fmt::format("process {}", named.process), *answer, "again later"};
}

}  // namespace

std::optional<std::string> make_socket_folder() {
  const std::string folder = fs::absolute(socket_folder());
  mkdir(folder.c_str(), 0700);
  return is_own(folder) ? std::optional(folder) : std::nullopt;
}

void remove_sockets(uint32_t command) {
  if (!is_own(socket_folder())) return;
  for (const Named& one : sockets_in(socket_folder())) {
    if (one.command == command) unlink(one.path.c_str());
  }
}

Result<std::vector<std::string>> poke(uint32_t number) {
  const std::string folder = socket_folder();
  struct stat facts{};
  if (!(lstat(folder.c_str(), &facts) != 0 && errno == ENOENT) && !is_own(folder)) {
    return Error{ErrorKind::kMissing, folder, "this folder is not yours alone, and what lies in it cannot be trusted",
                 "XDG_RUNTIME_DIR=FOLDER of your own, for both commands"};
  }
  std::vector<std::string> files;
  for (const Named& one : sockets_in(folder)) {
    if (one.command != number && one.process != number) continue;
    auto file = ask(one);
    if (!file) return file.error();
    files.push_back(std::move(*file));
  }
  if (!files.empty()) return files;
  return missing(fmt::format("no process {} that uses CUDA is being recorded by this user", number),
                 "the number of `unfrag record`, or of a process under it");
}

}  // namespace unfrag::recording
