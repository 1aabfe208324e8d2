// Lets the threads of a program that ends come to rest.
//
// A thread that wants the GIL while Python shuts down is ended with pthread_exit, which unwinds the stack; PyTorch's
// autograd thread then is in a destructor, from which nothing may be thrown, and the program aborts after its own end.
// Against a device that takes no time the race is lost every other time with PyTorch 2.15. Since 3.14 Python lets such
// threads wait for ever (gh-87135); this does so for 5 seconds, in which the process mostly ends.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include "rehearsal/null/api.h"

namespace unfrag::null {
namespace {

bool python_shuts_down() {
  void* asked = dlsym(RTLD_DEFAULT, "Py_IsFinalizing");                   // from 3.13 on
  if (asked == nullptr) asked = dlsym(RTLD_DEFAULT, "_Py_IsFinalizing");  // until 3.12
  return asked != nullptr && reinterpret_cast<int (*)()>(asked)() != 0;
}

}  // namespace
}  // namespace unfrag::null

UNFRAG_NULL_API __attribute__((noreturn)) void pthread_exit(void* value) {
  // Not for ever: a library's destructor may join the thread.
  constexpr int kMostWaits = 50;
  constexpr useconds_t kWait = 100'000;
  for (int waits = 0; waits < kMostWaits && unfrag::null::python_shuts_down(); ++waits) usleep(kWait);
  static auto* const system = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_NEXT, "pthread_exit"));
  system(value);
  __builtin_unreachable();
}
