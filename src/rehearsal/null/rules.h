// What a call answers that arrives with no more than a name and raw arguments: the table of rules and its interpreter.
//
// A rule says which arguments are pointers to write through, and what to write: a handle, a number, a size, nothing.
// Computing functions of the math libraries succeed by name, since they write to the device alone. What no rule answers
// returns the library's own not-supported status: never a silent success. What it is not: the calls whose answers
// matter for memory itself (runtime, driver, NVML, cuDNN's plans and sizes, cublasLt, the cuBLAS handle); those are
// written by hand.
//
//   shell ──► dispatcher ──► answer(call) ──► rule: {write at argument i}... , return r
//
// Threads: any; handles are the only state, and they have a lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rehearsal/null/entry.h"
#include "rehearsal/null/pointers.h"

namespace unfrag::null {

/// A call as it arrived (System V, x86-64).
struct Call {
  const Entry& entry;
  const uint64_t* registers;  ///< Shape: rdi, rsi, rdx, rcx, r8, r9.
  const uint64_t* stack;      ///< The arguments after the sixth, and structures passed by value.

  /// Integer or pointer argument `i`, counted without floating-point arguments and without large structures by value.
  /// The upper half is undefined where the parameter has 32 bits.
  uint64_t argument(size_t i) const { return i < 6 ? registers[i] : stack[i - 6]; }

  /// Argument `i` where it is a pointer.
  template <typename T>
  T* pointer(size_t i) const {
    return to_pointer<T>(argument(i));
  }
};

struct Rule;

/// The rule for a function, or null. The name decides; the library only where the name begins like none that is known.
/// Cost: one pass over the rules of one library, so keep what it returns.
const Rule* find_rule(std::string_view library, std::string_view name);

/// Carries the rule of the call out (`entry.rule`, else the one found now) and returns what the function returns.
uint64_t answer(const Call& call);

/// What a library returns for what it cannot do; for a library nobody knows that of the CUDA runtime.
uint64_t not_supported(std::string_view library);

/// The version of the runtime that is answered for, as cudaRuntimeGetVersion says it: 12040, 13020. Defined by whoever
/// answers for the runtime.
int cuda_version();

/// So many bytes of the device's memory are zeros from now on. Defined by whoever has that memory.
void clear_device(uint64_t address, uint64_t bytes);

}  // namespace unfrag::null
