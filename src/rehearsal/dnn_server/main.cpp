// The program that asks the real cuDNN for a rehearsal: unfrag-dnn FOLDER DEVICE SECONDS
//
// Standard input is a socket that listens, standard output a pipe that ends when `unfrag` does. Every connection is
// served by a process of its own, which loads the library from FOLDER, describes to it the device of the text in the
// file DEVICE, and ends with it: over a question that crashes the library, or that takes longer than SECONDS. Whoever
// asked sees the connection end, and comes again. One for all would let a program's process wait for another's question
// or lose by its crash; each costs 50 MB of its own, for the library's 115 MB are the file's, which all share.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "rehearsal/dnn_protocol.h"
#include "rehearsal/dnn_server/answers.h"
#include "rehearsal/dnn_server/library.h"

namespace unfrag::dnn_server {
namespace {

struct Arguments {
  std::string folder;
  std::string device;
  unsigned seconds;
};

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool say(int connection, const void* packet, size_t size) {
  return send(connection, packet, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

void serve(int connection, const Arguments& arguments) {
  alarm(arguments.seconds);  // To load half a gigabyte is a question too.
  const Library library = load_library(arguments.folder);
  dnn_protocol::Greeting greeting;
  if (library.version != nullptr) greeting.version = static_cast<int64_t>(library.version());
  const std::string packet_of_greeting(reinterpret_cast<const char*>(&greeting), sizeof greeting);
  const std::string said = packet_of_greeting + library.fault;
  if (!say(connection, said.data(), said.size()) || greeting.version < dnn_protocol::kFirstVersion) return;
  Answers answers(library, read_text(arguments.device));
  std::vector<char> packet(dnn_protocol::kMostBytes);
  for (;;) {
    alarm(0);
    const ssize_t size = recv(connection, packet.data(), packet.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    alarm(arguments.seconds);
    const auto answer = answers.answer({packet.data(), static_cast<size_t>(size)});
    if (!answer || !say(connection, answer->data(), answer->size())) return;
  }
}

int listen_until_the_pipe_ends(const Arguments& arguments) {
  std::signal(SIGCHLD, SIG_IGN);
  for (;;) {
    std::array<pollfd, 2> ends = {{{STDIN_FILENO, POLLIN, 0}, {STDOUT_FILENO, POLLIN, 0}}};
    if (poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return 1;
    if (ends[1].revents != 0) return 0;
    if (ends[0].revents == 0) continue;
    const int connection = accept4(STDIN_FILENO, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    const pid_t parent = getpid();
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() == parent) serve(connection, arguments);
      _exit(0);  // Not through the library's destructors, which want a driver.
    }
    close(connection);
  }
}

}  // namespace
}  // namespace unfrag::dnn_server

int main(int count, char** words) {
  if (count != 4) return 2;
  return unfrag::dnn_server::listen_until_the_pipe_ends(
      {.folder = words[1], .device = words[2], .seconds = static_cast<unsigned>(std::strtoul(words[3], nullptr, 10))});
}
