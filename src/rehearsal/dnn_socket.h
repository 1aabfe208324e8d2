// Where the process that has the real cuDNN listens: a socket in the rehearsal's folder. Its path may be longer than an
// address has room for (a long TMPDIR), so the folder is named by a descriptor. Threads: safe.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "rehearsal/dnn_protocol.h"

namespace unfrag::dnn_protocol {

/// bind or connect of `file` to it; whether that worked, else errno says why not.
inline bool at_socket(int (*act)(int, const sockaddr*, socklen_t), int file, const std::string& folder) {
  const int here = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (here < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", here, kSocketName);
  const bool done = act(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(here);
  return done;
}

}  // namespace unfrag::dnn_protocol
