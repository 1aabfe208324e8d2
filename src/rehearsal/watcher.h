// Tells how a rehearsal goes while it runs: from the logs of its processes, at moments that become rare.
// Threads: one of its own, which calls back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/strong.h"

namespace unfrag::rehearsal {

struct Progress {
  std::chrono::seconds elapsed{};
  Bytes held;             ///< By all processes, of all devices, at this moment.
  uint64_t launches = 0;  ///< Kernels so far.
};

/// Those of the processes that wrote into a folder, in order.
std::vector<std::string> logs_in(const std::string& folder);

/// What the logs in a folder say now. Those that cannot be read count nothing.
Progress read_progress(const std::string& folder);

class Watcher {
 public:
  /// Calls `tell` after `first`, then after twice that and so on, and at last once a minute. Nothing to tell to: idle.
  Watcher(std::string folder, std::function<void(const Progress&)> tell, std::chrono::milliseconds first);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  void run(std::chrono::milliseconds first);

  std::string folder_;
  std::function<void(const Progress&)> tell_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace unfrag::rehearsal
