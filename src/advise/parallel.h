// The same work for many numbers on all cores. Threads: joined before it returns.
#pragma once

#include <cstddef>
#include <functional>

namespace unfrag::advise {

/// Calls `work` for 0 to `count` - 1, each once, from several threads, then returns. `done`: called on the calling
/// thread now and then with how many are; may be empty. What `work` throws (out of memory) is thrown here.
void for_each_index(size_t count, const std::function<void(size_t)>& work, const std::function<void(size_t)>& done);

}  // namespace unfrag::advise
