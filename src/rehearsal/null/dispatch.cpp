// Where the entries of the shells arrive: a function by name, with its arguments as the caller left them.
//
// The way in is a few instructions, since no prototype is known: they lay the six argument registers into an array and
// hand it on with the entry (in r11) and the arguments on the stack. x86-64, System V.
#include <atomic>

#include "rehearsal/null/api.h"
#include "rehearsal/null/device_memory.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/entry.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/rule.h"
#include "rehearsal/null/stage.h"

namespace unfrag::null {

extern "C" __attribute__((used, visibility("hidden"))) uint64_t unfrag_null_call(Entry* entry,
                                                                                 const uint64_t* registers,
                                                                                 const uint64_t* stack) {
  const EnteredIn<allocation_log::Family::kMath> entered(entry->name);
  std::atomic_ref(entry->calls).fetch_add(1, std::memory_order_relaxed);
  const void* kept = std::atomic_ref(entry->rule).load(std::memory_order_relaxed);
  if (kept == nullptr) {
    kept = find_rule(entry->library, entry->name);
    if (kept == nullptr) {
      log_unanswered(entry->name);
      return not_supported(entry->library);
    }
    std::atomic_ref(entry->rule).store(kept, std::memory_order_relaxed);
  }
  const Figure figure = static_cast<const Rule*>(kept)->figure;
  if (figure == Figure::kEstimated || figure == Figure::kConstant) count(counters().modelled);
  return answer({.entry = *entry, .registers = registers, .stack = stack});
}

int cuda_version() { return stage().cuda_version; }
void clear_device(uint64_t address, uint64_t bytes) { device_memory().fill(to_pointer<void>(address), 0, bytes); }

UNFRAG_NULL_API __attribute__((naked)) void unfrag_null_dispatch() {
  asm("push %rbp\n\t"
      "mov %rsp, %rbp\n\t"
      "push %r9\n\t"
      "push %r8\n\t"
      "push %rcx\n\t"
      "push %rdx\n\t"
      "push %rsi\n\t"
      "push %rdi\n\t"
      "mov %r11, %rdi\n\t"
      "mov %rsp, %rsi\n\t"
      "lea 16(%rbp), %rdx\n\t"
      "call unfrag_null_call\n\t"
      "leave\n\t"
      "ret");
}

}  // namespace unfrag::null
