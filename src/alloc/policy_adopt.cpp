// Building a state that was found rather than reached: where a recording begins mid-way.
#include "alloc/caching_policy.h"

namespace unfrag::alloc {

BlockId CachingPolicy::adopt_segment(Address addr, Bytes size, const Owner& owner) {
  const BlockId id = blocks_.add();
  Block& block = blocks_[id];
  block.addr = addr.value();
  block.size = size.value();
  block.whole = true;
  block.shelf = shelf_for(block_pool_index(owner.pool, owner.small), owner.stream);
  if (config_.rules.oldest_segment_first) block.creation = next_creation_++;
  ++pool_of(block.shelf).holdings;
  statistics_.reserved.add(size);
  statistics_.segment_peak = std::max(statistics_.segment_peak, ++statistics_.segments);
  put_back(id);
  return id;
}

BlockId CachingPolicy::adopt_reservation(Address base, Bytes size, Bytes page, const Owner& owner) {
  const uint32_t shelf = shelf_for(block_pool_index(owner.pool, owner.small), owner.stream);
  return add_reservation(base.value(), size.value(), page.value(), shelf);
}

BlockId CachingPolicy::adopt_mapped(BlockId at, Address addr, Bytes size) {
  while (!at.is_none() && blocks_[at].end() <= addr.value()) at = blocks_[at].next;
  if (at.is_none() || blocks_[at].use != BlockUse::kUnmapped) return BlockId::none();
  if (blocks_[at].addr > addr.value() || blocks_[at].end() < addr.value() + size.value()) return BlockId::none();
  Shelf& shelf = *shelves_[blocks_[at].shelf];
  shelf.erase_unmapped(blocks_, at);
  const uint64_t before = addr.value() - blocks_[at].addr;
  if (before > 0) insert_unmapped(split_front(at, before));
  if (blocks_[at].size > size.value()) insert_unmapped(split_off_tail(at, size.value()));
  blocks_[at].use = BlockUse::kTaken;
  merge_neighbours(at);
  put_back(at);
  statistics_.reserved.add(size);
  return at;
}

BlockId CachingPolicy::adopt_block(BlockId at, Address addr, Bytes size, Bytes requested) {
  while (!at.is_none() && blocks_[at].end() <= addr.value()) at = blocks_[at].next;
  if (at.is_none() || blocks_[at].use != BlockUse::kFree) return BlockId::none();
  if (blocks_[at].addr > addr.value() || blocks_[at].end() < addr.value() + size.value()) return BlockId::none();
  take_out(at);
  const uint64_t before = addr.value() - blocks_[at].addr;
  if (before > 0) put_back(split_front(at, before));
  if (blocks_[at].size > size.value()) put_back(split_off_tail(at, size.value()));
  Block& block = blocks_[at];
  block.use = BlockUse::kAllocated;
  block.requested = requested.value();
  statistics_.allocated.add(size);
  statistics_.active.add(size);
  statistics_.requested.add(requested);
  return at;
}

}  // namespace unfrag::alloc
