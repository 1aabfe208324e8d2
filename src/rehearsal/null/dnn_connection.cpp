#include "rehearsal/null/dnn_connection.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "rehearsal/dnn_socket.h"

namespace unfrag::null {
namespace {

using std::chrono::steady_clock;

// The server ends over a question before that; this is for one that cannot.
constexpr timeval kLongest = {.tv_sec = 120, .tv_usec = 0};
constexpr std::chrono::seconds kPatience{60};

}  // namespace

void DnnConnection::disconnect() {
  if (file_ >= 0) close(file_);
  file_ = -1;
}

std::optional<std::string> DnnConnection::receive() const {
  std::string packet(dnn_protocol::kMostBytes, '\0');
  ssize_t size = 0;
  do {
    size = recv(file_, packet.data(), packet.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return std::nullopt;
  packet.resize(static_cast<size_t>(size));
  return packet;
}

bool DnnConnection::connect_to_server() {
  if (owner_ != getpid()) disconnect();
  if (file_ >= 0) return true;
  owner_ = getpid();
  file_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (file_ < 0) return false;
  setsockopt(file_, SOL_SOCKET, SO_RCVTIMEO, &kLongest, sizeof kLongest);
  if (!dnn_protocol::at_socket(connect, file_, folder_)) return false;
  const auto packet = receive();
  dnn_protocol::Greeting greeting;
  if (!packet || packet->size() != sizeof greeting) return false;
  std::memcpy(&greeting, packet->data(), sizeof greeting);
  version_ = greeting.version;
  return version_ >= dnn_protocol::kFirstVersion;
}

std::optional<std::string> DnnConnection::exchange(const std::string& question) {
  if (hopeless_ || question.size() > dnn_protocol::kMostBytes) return std::nullopt;
  if (!connect_to_server()) {
    disconnect();
    hopeless_ = true;
    return std::nullopt;
  }
  const auto begin = steady_clock::now();
  const bool sent = send(file_, question.data(), question.size(), MSG_NOSIGNAL) >= 0;
  auto answer = sent ? receive() : std::nullopt;
  if (answer) return answer;
  disconnect();
  lost_ += steady_clock::now() - begin;
  hopeless_ = lost_ > kPatience;
  return std::nullopt;
}

const std::optional<std::string>& DnnConnection::ask(const std::string& question) {
  const std::lock_guard lock(mutex_);
  const auto known = answers_.find(question);
  if (known != answers_.end()) return known->second;
  return answers_.emplace(question, exchange(question)).first->second;
}

int64_t DnnConnection::version() {
  const std::lock_guard lock(mutex_);
  return version_;
}

}  // namespace unfrag::null
