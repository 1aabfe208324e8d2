// The process that has the real cuDNN (dnn_server/), beside the program: it waits at a socket in the rehearsal's
// folder, loads the library at the first question, and ends with this. Threads: one owner.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "rehearsal/private_folder.h"

namespace unfrag::rehearsal {

struct DnnOptions {
  std::string library;  ///< The folder of libcudnn_graph.so.9.
  std::string device;   ///< Its description (device_description.h).
  int seconds = 30;     ///< A question may take so long.
};

class DnnProcess {
 public:
  /// Errors: kOutput; then cuDNN is not asked.
  static Result<DnnProcess> start(const PrivateFolder& folder, const DnnOptions& options);
  ~DnnProcess();
  DnnProcess(DnnProcess&& other) noexcept;
  DnnProcess& operator=(DnnProcess&&) = delete;

  /// Why it answers nothing, a clause, by asking what it is; empty where it answers. Cost: loads the library.
  [[nodiscard]] std::string trouble() const;

 private:
  DnnProcess(std::string folder, pid_t process, int pipe)
      : folder_(std::move(folder)), process_(process), pipe_(pipe) {}
  std::string folder_;
  pid_t process_ = 0;
  int pipe_ = -1;  ///< The process ends when this does.
};

}  // namespace unfrag::rehearsal
