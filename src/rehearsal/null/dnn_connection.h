// The way to the real cuDNN, which runs in a process of its own (dnn_server): questions, and answers that are kept.
//
// cuDNN may crash over a question, take for ever, or not be there. All of it is no answer, for that question at once
// and from then on; after too much time lost so, for all. Threads: safe; one question at a time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace unfrag::null {

class DnnConnection {
 public:
  /// `folder`: where its socket lies. Nothing is done before the first question.
  explicit DnnConnection(std::string folder) : folder_(std::move(folder)) {}
  ~DnnConnection() { disconnect(); }
  DnnConnection(const DnnConnection&) = delete;
  DnnConnection& operator=(const DnnConnection&) = delete;

  /// Cost: a map's search where it was asked before. Lives: as long as this.
  const std::optional<std::string>& ask(const std::string& question);
  /// Of cuDNN as it said itself; 0 before it did.
  int64_t version();

 private:
  bool connect_to_server();
  void disconnect();
  std::optional<std::string> exchange(const std::string& question);
  std::optional<std::string> receive() const;

  std::mutex mutex_;
  std::string folder_;
  int file_ = -1;
  pid_t owner_ = 0;  ///< Who connected: a forked child has the file too, and must leave it alone.
  bool hopeless_ = false;
  int64_t version_ = 0;
  std::chrono::steady_clock::duration lost_{};
  std::unordered_map<std::string, std::optional<std::string>> answers_;
};

}  // namespace unfrag::null
