// The signals that end a process, while a rehearsal has something to clean up. A thread takes them, so that what they
// lead to is ordinary code:
//
//   while the program runs   it has those of the terminal anyhow, and is sent the others: it may want to end in its way
//   at any other time        the folder goes, and the signal does to this process what it would have done
//
// Signals that were ignored (nohup) stay so, here and in the program. Requires: no other thread before it is made.
// Threads: one owner.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace unfrag::rehearsal {

class Signals {
 public:
  /// From here on they wait.
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// From here on they are answered. `folder`: a PrivateFolder's.
  void answer(std::string folder);

  /// Starts the program: `start` returns its number, or 0.
  pid_t start(const std::function<pid_t()>& start);
  /// The program has ended; its number is not yet another's.
  void ended();
  /// The first signal that came while a program ran; 0: none did.
  [[nodiscard]] int came() const { return came_; }
  /// What was blocked before, as in a program it has to be.
  [[nodiscard]] const sigset_t& blocked_before() const { return before_; }

 private:
  void run();
  void take(int signal);

  sigset_t before_{};
  sigset_t taken_{};
  int file_ = -1;
  int stop_ = -1;
  std::string folder_;
  std::mutex mutex_;  // guards the next two
  pid_t child_ = 0;
  int came_ = 0;
  std::thread thread_;
};

}  // namespace unfrag::rehearsal
