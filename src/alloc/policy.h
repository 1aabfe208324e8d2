// What an allocation policy must offer, so that a replay and a live allocator can drive any of them.
// Threads: those of the policy.
#pragma once

#include <concepts>

#include "alloc/caching_policy.h"

namespace unfrag::alloc {

template <class P>
concept Policy = requires(P policy, Bytes bytes, StreamId stream, PoolIdx pool, BlockId block) {
  { policy.allocate(bytes, stream, pool) } -> std::same_as<BlockId>;
  policy.free(block);
  policy.record_stream(block, stream);
  policy.event_done(block);
  policy.empty_cache();
  { policy.statistics() } -> std::convertible_to<Statistics>;
};
static_assert(Policy<CachingPolicy>);

}  // namespace unfrag::alloc
