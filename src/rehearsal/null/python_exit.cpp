// Lets the threads of a program that ends come to rest.
//
// A thread that wants the GIL while Python shuts down is ended with pthread_exit, which unwinds the stack; PyTorch's
// autograd thread then is in a destructor, from which nothing may be thrown, and the program aborts after its own end.
// Since 3.14 Python lets such threads wait for ever (gh-87135); so does this, for those before. Against a device that
// takes no time the race is lost every other time with PyTorch 2.15.
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
  while (unfrag::null::python_shuts_down()) pause();
  static auto* const system = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_NEXT, "pthread_exit"));
  system(value);
  __builtin_unreachable();
}
