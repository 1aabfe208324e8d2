#include "rehearsal/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "rehearsal/private_folder.h"

namespace unfrag::rehearsal {
namespace {

constexpr std::array kOfTheTerminal = {SIGINT, SIGQUIT};
constexpr std::array kSignals = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

bool is_ignored(int signal) {
  struct sigaction now{};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

Signals::Signals() {
  sigemptyset(&taken_);
  pthread_sigmask(SIG_BLOCK, &taken_, &before_);
  for (const int signal : kSignals) {
    if (!is_ignored(signal) && sigismember(&before_, signal) == 0) sigaddset(&taken_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &taken_, nullptr);
  file_ = signalfd(-1, &taken_, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_ = eventfd(0, EFD_CLOEXEC);
}

Signals::~Signals() {
  if (thread_.joinable()) {
    eventfd_write(stop_, 1);
    thread_.join();
  }
  close(file_);
  close(stop_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Signals::answer(std::string folder) {
  folder_ = std::move(folder);
  if (stop_ >= 0) thread_ = std::thread([this] { run(); });
}

pid_t Signals::start(const std::function<pid_t()>& start) {
  const std::lock_guard lock(mutex_);
  child_ = start();
  // What the terminal sent before there was a program did not reach it.
  sigset_t waiting;
  sigpending(&waiting);
  for (const int signal : kOfTheTerminal) {
    if (child_ != 0 && sigismember(&taken_, signal) == 1 && sigismember(&waiting, signal) == 1) kill(child_, signal);
  }
  return child_;
}

void Signals::ended() {
  const std::lock_guard lock(mutex_);
  child_ = 0;
}

void Signals::run() {
  std::array<pollfd, 2> ends = {{{file_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  while ((ends[1].revents & POLLIN) == 0) {
    poll(ends.data(), ends.size(), -1);
    const std::lock_guard lock(mutex_);
    signalfd_siginfo one{};
    while (read(file_, &one, sizeof one) == ssize_t{sizeof one}) take(static_cast<int>(one.ssi_signo));
  }
}

void Signals::take(int signal) {
  if (child_ != 0) {
    if (came_ == 0) came_ = signal;
    if (signal != SIGINT && signal != SIGQUIT) kill(child_, signal);
    return;
  }
  PrivateFolder::remove(folder_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  raise(signal);
  std::_Exit(128 + signal);
}

}  // namespace unfrag::rehearsal
