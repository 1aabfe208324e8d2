// Where the entries of the shells arrive: a function by name, with its arguments as the caller left them.
//
// The way in is a few instructions, since no prototype is known: they lay the six argument registers into an array and
// hand it on with the entry (in r11) and the arguments on the stack. x86-64, System V.
#include "rehearsal/null/api.h"
#include "rehearsal/null/entry.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/rules.h"

namespace unfrag::null {

extern "C" __attribute__((used, visibility("hidden"))) uint64_t unfrag_null_call(Entry* entry,
                                                                                 const uint64_t* registers,
                                                                                 const uint64_t* stack) {
  const Call call{.entry = *entry, .registers = registers, .stack = stack};
  const Rule* rule = find_rule(entry->library, entry->name);
  ++entry->calls;
  if (rule != nullptr) return answer(*rule, call);
  log_unanswered(entry->name);
  return not_supported(entry->library);
}

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
