// PyTorch's own functions behind those of ours that have their names: as the null device is preloaded, PyTorch's
// libraries find ours first, and each of ours calls the one that it stands before. Threads: safe.
#pragma once

#include <atomic>

namespace unfrag::null {

/// The function of a name that is not ours, in a library of torch's that is loaded; there is one: whoever calls was
/// linked to it.
void* find_in_torch(const char* name, const void* ours);

/// PyTorch's own function of a name, which is looked for once.
template <class Function>
Function* own(std::atomic<void*>& kept, const char* name, Function* ours) {
  void* function = kept.load(std::memory_order_relaxed);
  if (function == nullptr) kept = function = find_in_torch(name, reinterpret_cast<void*>(ours));
  return reinterpret_cast<Function*>(function);
}

}  // namespace unfrag::null
