// The way to the real cuDNN, which runs in a process of its own (dnn_server): questions, and answers that are kept up
// to a sum, since a program of many shapes asks as many questions.
//
// cuDNN may crash over a question, take for ever, or not be there. All of it is no answer, for that question at once
// and from then on; after too much time lost so, for all. Threads: safe; one question at a time. A forked child begins
// anew: the thread that was asking when it was forked is not there to end, nor to give a lock back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace unfrag::null {

class DnnConnection {
 public:
  /// `folder`: where its socket lies. Nothing is done before the first question. Of questions and answers `most_bytes`
  /// are kept.
  explicit DnnConnection(std::string folder, size_t most_bytes = size_t{32} << 20);
  ~DnnConnection();
  DnnConnection(const DnnConnection&) = delete;
  DnnConnection& operator=(const DnnConnection&) = delete;

  /// Cost: a map's search where it was asked before.
  std::optional<std::string> ask(const std::string& question);
  /// Of cuDNN as it said itself; 0 before it did.
  int64_t version();

 private:
  struct State;
  State& state();

  const std::string folder_;
  const size_t most_bytes_;
  std::atomic<State*> state_;
};

}  // namespace unfrag::null
