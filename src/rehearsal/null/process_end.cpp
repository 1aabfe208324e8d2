// Notes when the process ends, so that the parent knows for how long it held its memory: by exit, and by _exit, which
// Python's os._exit is and with which multiprocessing ends its children. An end by a signal is noted nowhere.
#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rehearsal/null/api.h"
#include "rehearsal/null/log.h"

namespace {

// Found early: it may be needed where nothing can be looked up.
void (*next)(int) = nullptr;
[[gnu::constructor]] void find_next() { next = reinterpret_cast<void (*)(int)>(dlsym(RTLD_NEXT, "_exit")); }

[[gnu::destructor]] void note_end() { unfrag::null::log_end(); }

[[noreturn]] void end_process(int status) {
  unfrag::null::log_end();
  if (next != nullptr) next(status);
  for (;;) syscall(SYS_exit_group, status);
}

}  // namespace

UNFRAG_NULL_API void _exit(int status) { end_process(status); }
UNFRAG_NULL_API void _Exit(int status) noexcept { end_process(status); }
