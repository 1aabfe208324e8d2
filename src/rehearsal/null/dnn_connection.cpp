#include "rehearsal/null/dnn_connection.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "rehearsal/dnn_socket.h"

namespace unfrag::null {
namespace {

using std::chrono::steady_clock;

// The server ends over a question before that; this is for one that cannot.
constexpr timeval kLongest = {.tv_sec = 120, .tv_usec = 0};
constexpr std::chrono::seconds kPatience{60};
constexpr size_t kOverhead = 128;  // of an answer that is kept

}  // namespace

struct DnnConnection::State {
  const pid_t process = getpid();  // whose it is
  std::mutex mutex;
  int file = -1;
  bool hopeless = false;
  int64_t version = 0;
  steady_clock::duration lost{};
  std::unordered_map<std::string, std::optional<std::string>> answers;
  size_t kept_bytes = 0;

  ~State() { disconnect(); }
  void disconnect();
  bool connect_in(const std::string& folder);
  [[nodiscard]] std::optional<std::string> receive() const;
  std::optional<std::string> exchange(const std::string& folder, const std::string& question);
};

void DnnConnection::State::disconnect() {
  if (file >= 0) close(file);
  file = -1;
}

std::optional<std::string> DnnConnection::State::receive() const {
  std::string packet(dnn_protocol::kMostBytes, '\0');
  ssize_t size = 0;
  do {
    size = recv(file, packet.data(), packet.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return std::nullopt;
  packet.resize(static_cast<size_t>(size));
  return packet;
}

bool DnnConnection::State::connect_in(const std::string& folder) {
  if (file >= 0) return true;
  file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (file < 0) return false;
  setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &kLongest, sizeof kLongest);
  if (!dnn_protocol::at_socket(connect, file, folder)) return false;
  const auto packet = receive();
  dnn_protocol::Greeting greeting;
  if (!packet || packet->size() != sizeof greeting) return false;
  std::memcpy(&greeting, packet->data(), sizeof greeting);
  version = greeting.version;
  return version >= dnn_protocol::kFirstVersion;
}

std::optional<std::string> DnnConnection::State::exchange(const std::string& folder, const std::string& question) {
  if (hopeless || question.size() > dnn_protocol::kMostBytes) return std::nullopt;
  if (!connect_in(folder)) {
    disconnect();
    hopeless = true;
    return std::nullopt;
  }
  const auto begin = steady_clock::now();
  const bool sent = send(file, question.data(), question.size(), MSG_NOSIGNAL) >= 0;
  auto answer = sent ? receive() : std::nullopt;
  if (answer) return answer;
  disconnect();
  lost += steady_clock::now() - begin;
  hopeless = lost > kPatience;
  return std::nullopt;
}

DnnConnection::DnnConnection(std::string folder, size_t most_bytes)
    : folder_(std::move(folder)), most_bytes_(most_bytes), state_(new State) {}

DnnConnection::~DnnConnection() { delete state_.load(); }

/// This process's. The parent's is left as it is, locked or half changed, but for its end of the connection.
DnnConnection::State& DnnConnection::state() {
  State* kept = state_;
  if (kept->process == getpid()) return *kept;
  auto* const fresh = new State;
  if (state_.compare_exchange_strong(kept, fresh)) {
    if (kept->file >= 0) close(kept->file);
    return *fresh;
  }
  delete fresh;
  return *kept;
}

std::optional<std::string> DnnConnection::ask(const std::string& question) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (const auto known = s.answers.find(question); known != s.answers.end()) return known->second;
  auto answer = s.exchange(folder_, question);
  s.kept_bytes += question.size() + (answer ? answer->size() : 0) + kOverhead;
  if (s.kept_bytes > most_bytes_) {  // to ask again takes less than a millisecond
    s.answers.clear();
    s.kept_bytes = 0;
  }
  s.answers.emplace(question, answer);
  return answer;
}

int64_t DnnConnection::version() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.version;
}

}  // namespace unfrag::null
