// What a program asks of PyTorch's allocator that no entry says: a memory fraction, and, where entries have no pool,
// into which MemPool the requests of a thread go.
//
// All of PyTorch calls its allocator through a table of virtual functions. The allocator gets a copy of that table in
// which a few functions are ours; each calls PyTorch's. Threads: safe.
#pragma once

#include <cstdint>

namespace unfrag::null {

/// Gives the allocator its copy, the first time that there is one. To be called before the program can have asked for
/// anything: whenever the devices are counted.
void watch_allocator_calls();

/// Whether the pool of each request is known from these calls.
bool pools_are_watched();

struct PoolId {
  uint64_t first = 0;
  uint64_t second = 0;
};
/// Into which pool a request of this thread goes. Source: up to 2.9 it is the outermost of nested ones.
PoolId pool_of_this_thread(int device);

}  // namespace unfrag::null
