// The process that has the real cuDNN (dnn_server/), beside the program: it waits at a socket in the rehearsal's
// folder, loads the library at the first question, and ends with this. Threads: one owner.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "rehearsal/private_folder.h"

namespace unfrag::rehearsal {

struct DnnOptions {
  std::string library;  ///< The folder of libcudnn_graph.so.9.
  std::string device;   ///< Its description (device_description.h).
  int seconds = 30;     ///< A question may take so long.
};

class DnnProcess {
 public:
  /// Nothing where it cannot be started: then cuDNN is not asked.
  static std::optional<DnnProcess> start(const PrivateFolder& folder, const DnnOptions& options);
  ~DnnProcess();
  DnnProcess(DnnProcess&& other) noexcept;
  DnnProcess& operator=(DnnProcess&&) = delete;

 private:
  DnnProcess(pid_t process, int pipe) : process_(process), pipe_(pipe) {}
  pid_t process_ = 0;
  int pipe_ = -1;  ///< The process ends when this does.
};

}  // namespace unfrag::rehearsal
