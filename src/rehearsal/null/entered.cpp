#include "rehearsal/null/entered.h"

#include <dlfcn.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>

#include "rehearsal/null/log.h"
#include "rehearsal/null/stage.h"

namespace unfrag::null {
namespace {

using allocation_log::Header;
using allocation_log::kLongestCall;
using allocation_log::kThreads;

struct ThreadState {
  uint32_t row = 0;    // in Header::last_calls; 0: none yet
  uint32_t depth = 0;  // of calls within calls
};
thread_local ThreadState here;

/// What a crash is noted in: it belongs to the process that opened it.
std::atomic<Header*> noted{nullptr};
std::atomic<pid_t> owner{0};

using Question = int (*)();
Question is_initialized = nullptr;
Question is_finalizing = nullptr;

/// Python is about to end, or has: the program itself has done its work.
bool is_at_exit() {
  return is_initialized != nullptr && (is_initialized() == 0 || (is_finalizing != nullptr && is_finalizing() != 0));
}

/// Runs on the thread that crashed. The signal then does what it would have done.
void note_crash(int signal) {
  if (owner == getpid()) {
    Header& header = *noted.load();
    if (here.row != 0) header.last_thread = here.row;
    header.at_exit = is_at_exit() ? 1 : 0;
  }
  raise(signal);
}

void watch_for_crashes() {
  is_initialized = reinterpret_cast<Question>(dlsym(RTLD_DEFAULT, "Py_IsInitialized"));
  is_finalizing = reinterpret_cast<Question>(dlsym(RTLD_DEFAULT, "Py_IsFinalizing"));
  if (is_finalizing == nullptr) {  // before 3.13
    is_finalizing = reinterpret_cast<Question>(dlsym(RTLD_DEFAULT, "_Py_IsFinalizing"));
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction before{};
    if (sigaction(signal, nullptr, &before) != 0 || before.sa_handler != SIG_DFL) continue;
    struct sigaction ours{};
    ours.sa_handler = note_crash;
    ours.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
    sigaction(signal, &ours, nullptr);
  }
}

/// The last row is everybody's who comes late.
uint32_t new_row() {
  static std::atomic<uint32_t> next{1};
  const uint32_t row = next.fetch_add(1);
  if (row == 1) watch_for_crashes();
  return std::min(row, kThreads);
}

}  // namespace

uint64_t enter(const char* name, size_t length) {
  Header& header = counters();
  if (here.row == 0) {
    here.row = new_row();
  }
  if (noted.load(std::memory_order_relaxed) != &header) {
    noted = &header;
    owner = getpid();
  }
  auto& row = header.last_calls[here.row - 1];
  const size_t bytes = std::min(length, kLongestCall - 1);
  std::memcpy(row.data(), name, bytes);
  row[bytes] = '\0';
  std::atomic_ref(header.last_thread).store(here.row, std::memory_order_relaxed);
  return here.depth++ == 0 && header.timed_from != 0 ? __rdtsc() : 0;
}

void leave(Family family, uint64_t entered_at) {
  --here.depth;
  if (entered_at == 0) return;
  Header& header = counters();
  const uint64_t now = __rdtsc();
  count(header.ticks[static_cast<size_t>(family)], now - entered_at);
  header.timed_to = now;
}

void begin_timing() {
  if (stage().timing) counters().timed_from = __rdtsc();
}

}  // namespace unfrag::null
