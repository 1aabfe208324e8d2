// Giving memory back to the driver: all that is wholly free, one large block, or what has not been used for long.
#include <algorithm>

#include "alloc/caching_policy.h"

namespace unfrag::alloc {

bool CachingPolicy::is_whole_segment(const Block& block) const {
  return !block.expandable() && block.prev.is_none() && block.next.is_none();
}

// In PyTorch's order: stream, size, creation, address. `visit` may take the block it is given out.
template <class Visit>
void CachingPolicy::for_each_free(uint32_t block_pool, Visit visit) {
  for (const uint32_t index : block_pools_[block_pool].shelves) {
    const Shelf& shelf = *shelves_[index];
    for (BlockId id = shelf.first(blocks_); !id.is_none();) {
      const BlockId next = shelf.next(blocks_, id);
      visit(id);
      id = next;
    }
  }
}

void CachingPolicy::empty_cache() { release_cached(); }

void CachingPolicy::release_cached() {
  if (!captures()) {
    wait_for_events(std::nullopt);
    release_block_pool(block_pool_index(kDefaultPool, /*small=*/false));
    release_block_pool(block_pool_index(kDefaultPool, /*small=*/true));
  }
  for (uint32_t pool = 1; pool < pools_.size(); ++pool) {
    if (pools_[pool].retired && pools_[pool].holdings > 0) release_retired(pool);
  }
}

void CachingPolicy::release_retired(uint32_t pool) {
  release_block_pool(block_pool_index(PoolIdx(pool), /*small=*/true));
  release_block_pool(block_pool_index(PoolIdx(pool), /*small=*/false));
}

void CachingPolicy::retire_pool(PoolIdx pool) { pools_[pool.value()].retired = true; }

void CachingPolicy::release_pool(PoolIdx pool) {
  retire_pool(pool);
  wait_for_events(pool);
  release_retired(pool.value());
}

// Pages go after all plain segments, and only whole ones.
void CachingPolicy::release_block_pool(uint32_t block_pool) {
  to_unmap_.clear();
  for_each_free(block_pool, [&](BlockId id) {
    const Block& block = blocks_[id];
    if (block.expandable()) {
      to_unmap_.push_back(id);
    } else if (is_whole_segment(block)) {
      release_segment(id);
    }
  });
  for (const BlockId id : to_unmap_) unmap_block(id);
}

void CachingPolicy::release_segment(BlockId id) {
  take_out(id);
  const Block& block = blocks_[id];
  const Bytes size(block.size);
  driver_.free_segment(Address(block.addr), size, owner(block.shelf));
  --pool_of(block.shelf).holdings;
  statistics_.reserved.subtract(size);
  --statistics_.segments;
  ++statistics_.num_device_free;
  blocks_.remove(id);
}

// Source: release_available_cached_blocks.
bool CachingPolicy::release_one_large_enough(const Search& search) {
  const uint64_t max_split = config_.settings.max_split_size.value();
  const uint64_t wanted = std::max(search.rounded, max_split);
  const Shelf& shelf = *shelves_[search.shelf];
  const BlockId enough = shelf.first_at_least(blocks_, wanted);
  if (!enough.is_none() && is_whole_segment(blocks_[enough])) {
    release_segment(enough);
    return true;
  }
  uint64_t released = 0;
  BlockId id = enough.is_none() ? shelf.last(blocks_) : shelf.previous(blocks_, enough);
  while (!id.is_none() && released < wanted && blocks_[id].size >= max_split) {
    const BlockId smaller = shelf.previous(blocks_, id);
    if (is_whole_segment(blocks_[id])) {
      released += blocks_[id].size;
      release_segment(id);
    }
    id = smaller;
  }
  return released >= wanted;
}

/// Whether release_one_large_enough would give anything back.
bool CachingPolicy::could_release_one(const Search& search) const {
  if (search.shelf == kNoShelf) return false;
  const uint64_t max_split = config_.settings.max_split_size.value();
  const Shelf& shelf = *shelves_[search.shelf];
  const BlockId enough = shelf.first_at_least(blocks_, std::max(search.rounded, max_split));
  if (!enough.is_none() && is_whole_segment(blocks_[enough])) return true;
  BlockId id = enough.is_none() ? shelf.last(blocks_) : shelf.previous(blocks_, enough);
  for (; !id.is_none() && blocks_[id].size >= max_split; id = shelf.previous(blocks_, id)) {
    if (is_whole_segment(blocks_[id])) return true;
  }
  return false;
}

/// Whether collect_garbage would: of what there is, something is as old as the average.
bool CachingPolicy::could_collect() const {
  for (const uint32_t index : block_pools_[block_pool_index(kDefaultPool, /*small=*/false)].shelves) {
    const Shelf& shelf = *shelves_[index];
    for (BlockId id = shelf.first(blocks_); !id.is_none(); id = shelf.next(blocks_, id)) {
      if (is_whole_segment(blocks_[id])) return true;
    }
  }
  return false;
}

uint64_t CachingPolicy::garbage_threshold() const {
  const double limit = static_cast<double>(config_.limit.value_or(kUnlimited).value());
  return static_cast<uint64_t>(config_.settings.garbage_collection_threshold * limit);
}

// Passes over the default large pool, each returning what is older than the average of what is left, until the target
// is reached; it is not looked at within a pass. Source: garbage_collect_cached_blocks.
void CachingPolicy::collect_garbage() {
  const uint64_t reserved = statistics_.reserved.current.value();
  if (reserved <= garbage_threshold()) return;
  const uint64_t target = reserved - garbage_threshold();
  const uint32_t large = block_pool_index(kDefaultPool, /*small=*/false);
  const auto age = [&](const Block& block) { return block_pools_[large].searches - block.searched; };
  uint64_t ages = 0;
  uint64_t count = 0;
  for_each_free(large, [&](BlockId id) {
    if (!is_whole_segment(blocks_[id])) return;
    ages += age(blocks_[id]);
    ++count;
  });
  uint64_t reclaimed = 0;
  for (bool freed = true; freed && count > 0 && reclaimed < target;) {
    freed = false;
    const double average = static_cast<double>(ages) / static_cast<double>(count);
    for_each_free(large, [&](BlockId id) {
      const Block& block = blocks_[id];
      if (!is_whole_segment(block) || static_cast<double>(age(block)) < average) return;
      freed = true;
      reclaimed += block.size;
      ages -= age(block);
      --count;
      release_segment(id);
    });
  }
}

bool CachingPolicy::could_release() const {
  for (const bool small : {false, true}) {
    for (const uint32_t index : block_pools_[block_pool_index(kDefaultPool, small)].shelves) {
      const Shelf& shelf = *shelves_[index];
      for (BlockId id = shelf.first(blocks_); !id.is_none(); id = shelf.next(blocks_, id)) {
        if (is_whole_segment(blocks_[id]) || whole_pages(blocks_[id]).size.value() > 0) return true;
      }
    }
  }
  return false;
}

}  // namespace unfrag::alloc
