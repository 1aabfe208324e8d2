#include "alloc/caching_policy.h"

#include <algorithm>

namespace unfrag::alloc {
namespace {

constexpr uint64_t kTooLarge = uint64_t{1} << 60;
/// A large block's remainder stays with it up to this size. Source: CUDACachingAllocator.cpp, should_split.
constexpr uint64_t kLargestSlack = kSmallMax.value();

}  // namespace

std::optional<Bytes> limit_of_fraction(double fraction, Bytes device_total, const Rules& rules) {
  if (fraction >= 1) return rules.fraction_one_is_limit ? std::optional(device_total) : std::nullopt;
  return Bytes(static_cast<uint64_t>(fraction * static_cast<double>(device_total.value())));
}

CachingPolicy::CachingPolicy(const Config& config, Driver& driver) : config_(config), driver_(driver) {
  create_pool({});
}

PoolIdx CachingPolicy::create_pool(const PoolOptions& options) {
  const PoolIdx pool(static_cast<uint32_t>(pools_.size()));
  pools_.push_back({.options = options});
  for (const bool small : {true, false}) {
    block_pools_.push_back({.pool = pool, .small = small});
  }
  return pool;
}

bool CachingPolicy::captures() const {
  return scope_ == Scope::kCapture || (scope_ == Scope::kMemPool && config_.rules.mem_pool_scope_is_capture);
}

Owner CachingPolicy::owner(uint32_t shelf) const {
  const BlockPool& block_pool = block_pools_[shelves_[shelf]->block_pool()];
  return {.stream = shelves_[shelf]->stream(), .pool = block_pool.pool, .small = block_pool.small};
}

uint32_t CachingPolicy::find_shelf(const BlockPool& block_pool, StreamId stream) const {
  if (block_pool.last_shelf != kNoShelf && shelves_[block_pool.last_shelf]->stream() == stream) {
    return block_pool.last_shelf;
  }
  for (const uint32_t shelf : block_pool.shelves) {
    if (shelves_[shelf]->stream() == stream) return shelf;
  }
  return kNoShelf;
}

uint32_t CachingPolicy::shelf_for(uint32_t block_pool, StreamId stream) {
  BlockPool& pool = block_pools_[block_pool];
  uint32_t shelf = find_shelf(pool, stream);
  if (shelf == kNoShelf) {
    shelf = static_cast<uint32_t>(shelves_.size());
    shelves_.push_back(std::make_unique<Shelf>(stream, block_pool));
    const auto later = std::ranges::find_if(pool.shelves, [&](uint32_t other) {
      return static_cast<uint64_t>(shelves_[other]->stream()) > static_cast<uint64_t>(stream);
    });
    pool.shelves.insert(later, shelf);
  }
  pool.last_shelf = shelf;
  return shelf;
}

uint64_t CachingPolicy::segment_size_of(uint64_t rounded) const {
  return segment_size(Bytes(rounded), config_.settings.large_segment_size).value();
}

CachingPolicy::Search CachingPolicy::search_for(Bytes bytes, PoolIdx pool) const {
  Search search;
  search.rounded = round_size(bytes, config_.settings.rounding).value();
  search.segment = segment_size_of(search.rounded);
  search.expandable = config_.settings.expandable_segments && !pools_[pool.value()].options.custom_allocator;
  return search;
}

BlockId CachingPolicy::allocate(Bytes bytes, StreamId stream, PoolIdx pool) {
  if (bytes.value() >= kTooLarge) {
    refusal_ = {.kind = Refusal::kTooLarge, .rounded = bytes, .segment = bytes};
    return BlockId::none();
  }
  if (waiting_ > 0 || !deferred_.empty()) process_events();
  Search search = search_for(bytes, pool);
  search.shelf = shelf_for(block_pool_index(pool, search.rounded <= kSmallMax.value()), stream);
  BlockId id = take_fit(search);
  if (id.is_none() && driver_.reclaim()) id = take_fit(search);
  if (id.is_none()) id = obtain(search);
  if (id.is_none()) {
    refuse(search);
    return id;
  }
  return hand_out(id, search, bytes);
}

void CachingPolicy::refuse(const Search& search) {
  ++(search.rejected ? statistics_.num_oom_rejections : statistics_.num_ooms);
  refusal_ = {.kind = search.rejected ? Refusal::kRejected : Refusal::kOutOfMemory,
              .rounded = Bytes(search.rounded),
              .segment = Bytes(search.segment)};
}

// ---- Searching what is free ----

uint64_t CachingPolicy::reach(const Block& block) const {
  if (block.next.is_none()) return block.size;
  const Block& next = blocks_[block.next];
  return block.size + (next.use == BlockUse::kUnmapped ? next.size : 0);
}

// A block before unmapped space could grow as far as that goes, so it is taken last.
BlockId CachingPolicy::find_fit(const Shelf& shelf, uint64_t size, bool expandable) const {
  BlockId id = shelf.first_at_least(blocks_, size);
  if (!expandable) {
    while (!id.is_none() && blocks_[id].expandable()) id = shelf.next(blocks_, id);
  }
  while (!id.is_none() && blocks_[id].expandable()) {
    const BlockId next = shelf.next(blocks_, id);
    if (next.is_none() || reach(blocks_[next]) >= reach(blocks_[id])) break;
    id = next;
  }
  if (id.is_none()) return id;
  const uint64_t max_split = config_.settings.max_split_size.value();
  const uint64_t found = blocks_[id].size;
  if (size < max_split && found >= max_split) return BlockId::none();
  const bool oversize = size >= max_split;
  if (oversize && found - size >= config_.settings.max_non_split_rounding.value()) return BlockId::none();
  return id;
}

BlockId CachingPolicy::take_fit(const Search& search) {
  if (collects()) ++block_pool_of(search.shelf).searches;
  const BlockId id = find_fit(*shelves_[search.shelf], search.rounded, search.expandable);
  if (!id.is_none()) take_out(id);
  return id;
}

// ---- Asking the driver ----

BlockId CachingPolicy::obtain(Search& search) {
  if (collects()) collect_garbage();
  BlockId id = ask_driver(search);
  if (!id.is_none() || search.rejected) return id;
  const bool may_overflow = block_pool_of(search.shelf).pool == kDefaultPool;
  if (may_overflow && config_.rules.overflow_pools_first) id = take_from_overflow_pools(search);
  if (id.is_none() && config_.settings.max_split_size != kUnlimited && release_one_large_enough(search)) {
    id = ask_driver(search);
  }
  if (id.is_none() && !captures()) {
    release_cached();
    ++statistics_.num_alloc_retries;
    id = ask_driver(search);
  }
  if (id.is_none() && may_overflow && !config_.rules.overflow_pools_first) id = take_from_overflow_pools(search);
  return id;
}

// The limit is compared with what a plain segment would take, also where only pages are mapped.
bool CachingPolicy::refused_by_limit(Search& search) const {
  const Bytes wanted = statistics_.reserved.current + Bytes(search.segment);
  if (config_.limit) return wanted > *config_.limit;
  search.rejected = config_.settings.throw_on_cudamalloc_oom && wanted > config_.device_total;
  return search.rejected;
}

BlockId CachingPolicy::ask_driver(Search& search) {
  if (refused_by_limit(search)) return BlockId::none();
  return search.expandable ? obtain_expandable(search) : obtain_segment(search);
}

BlockId CachingPolicy::obtain_segment(const Search& search) {
  const auto addr = driver_.allocate_segment(Bytes(search.segment), owner(search.shelf));
  if (!addr) return BlockId::none();
  const BlockId id = blocks_.add();
  Block& block = blocks_[id];
  block.addr = addr->value();
  block.size = search.segment;
  block.shelf = search.shelf;
  block.use = BlockUse::kTaken;
  block.whole = true;
  if (config_.rules.oldest_segment_first) block.creation = next_creation_++;
  ++pool_of(search.shelf).holdings;
  statistics_.reserved.add(Bytes(search.segment));
  statistics_.segment_peak = std::max(statistics_.segment_peak, ++statistics_.segments);
  ++statistics_.num_device_alloc;
  return id;
}

// What an overflow pool gives stays that pool's.
BlockId CachingPolicy::take_from_overflow_pools(Search& search) {
  const Owner wanted = owner(search.shelf);
  for (uint32_t p = 1; p < pools_.size(); ++p) {
    if (!pools_[p].options.use_on_oom) continue;
    const uint32_t shelf = find_shelf(block_pools_[block_pool_index(PoolIdx(p), wanted.small)], wanted.stream);
    if (shelf == kNoShelf) continue;
    Search there = search;
    there.shelf = shelf;
    there.expandable = false;
    const BlockId id = take_fit(there);
    if (id.is_none()) continue;
    search = there;
    return id;
  }
  return BlockId::none();
}

// ---- Handing out ----

bool CachingPolicy::should_split(const Block& block, const Search& search) {
  const uint64_t rest = block.size - search.rounded;
  if (pool_of(search.shelf).options.no_split) return false;
  if (search.expandable || block_pool_of(search.shelf).small) return rest >= kMinBlock.value();
  return search.rounded < config_.settings.max_split_size.value() && rest > kLargestSlack;
}

// The new row is the front; the old one stays the tail, as what knows of it expects.
BlockId CachingPolicy::split_front(BlockId id, uint64_t size) {
  const BlockId front = blocks_.add();
  Block& tail = blocks_[id];
  Block& block = blocks_[front];
  tail.whole = false;
  block = tail;
  block.size = size;
  block.next = id;
  if (!tail.prev.is_none()) blocks_[tail.prev].next = front;
  tail.prev = front;
  tail.addr += size;
  tail.size -= size;
  return front;
}

BlockId CachingPolicy::hand_out(BlockId id, const Search& search, Bytes bytes) {
  if (should_split(blocks_[id], search)) {
    const BlockId front = split_front(id, search.rounded);
    put_back(id);
    id = front;
  }
  Block& block = blocks_[id];
  block.use = BlockUse::kAllocated;
  block.requested = bytes.value();
  const Bytes size(block.size);
  statistics_.allocated.add(size);
  statistics_.active.add(size);
  statistics_.requested.add(bytes);
  return id;
}

// ---- Giving back ----

void CachingPolicy::free(BlockId id) {
  Block& block = blocks_[id];
  statistics_.allocated.subtract(Bytes(block.size));
  if (block.uses == 0) {
    complete_free(id);
  } else if (captures()) {
    block.use = BlockUse::kPending;
    deferred_.push_back(id);
  } else {
    wait_for_streams(id);
  }
}

void CachingPolicy::complete_free(BlockId id) {
  Block& block = blocks_[id];
  statistics_.active.subtract(Bytes(block.size));
  statistics_.requested.subtract(Bytes(block.requested));
  block.use = BlockUse::kTaken;
  merge_neighbours(id);
  put_back(id);
}

void CachingPolicy::put_back(BlockId id) {
  Block& block = blocks_[id];
  block.use = BlockUse::kFree;
  block.searched = block_pool_of(block.shelf).searches;
  shelves_[block.shelf]->insert(blocks_, id);
}

void CachingPolicy::take_out(BlockId id) {
  shelves_[blocks_[id].shelf]->erase(blocks_, id);
  blocks_[id].use = BlockUse::kTaken;
}

// Requires: `id` is in no index. Only neighbours of its kind are merged: free ones, or unmapped ones into unmapped.
void CachingPolicy::merge_neighbours(BlockId id) {
  const BlockUse kind = blocks_[id].use == BlockUse::kUnmapped ? BlockUse::kUnmapped : BlockUse::kFree;
  for (const BlockId neighbour : {blocks_[id].prev, blocks_[id].next}) {
    if (!neighbour.is_none() && blocks_[neighbour].use == kind) absorb(id, neighbour);
  }
}

void CachingPolicy::absorb(BlockId id, BlockId neighbour) {
  Block& block = blocks_[id];
  Block& gone = blocks_[neighbour];
  Shelf& shelf = *shelves_[block.shelf];
  if (gone.use == BlockUse::kUnmapped) {
    shelf.erase_unmapped(blocks_, neighbour);
  } else {
    shelf.erase(blocks_, neighbour);
  }
  if (block.prev == neighbour) {
    block.addr = gone.addr;
    block.prev = gone.prev;
    if (!gone.prev.is_none()) blocks_[gone.prev].next = id;
  } else {
    block.next = gone.next;
    if (!gone.next.is_none()) blocks_[gone.next].prev = id;
  }
  block.size += gone.size;
  blocks_.remove(neighbour);
}

// ---- Other streams ----

void CachingPolicy::record_stream(BlockId id, StreamId stream) {
  Block& block = blocks_[id];
  if (stream == shelves_[block.shelf]->stream()) return;
  for (uint32_t use = block.uses; use != 0; use = uses_[use - 1].next) {
    if (uses_[use - 1].stream != stream) continue;
    uses_[use - 1].in_capture |= captures();
    return;
  }
  uint32_t use = unused_use_;
  if (use != 0) {
    unused_use_ = uses_[use - 1].next;
  } else {
    uses_.emplace_back();
    use = static_cast<uint32_t>(uses_.size());
  }
  uses_[use - 1] = {.stream = stream, .next = block.uses, .in_capture = captures()};
  block.uses = use;
}

void CachingPolicy::drop_uses(BlockId id, bool only_in_capture) {
  uint32_t* link = &blocks_[id].uses;
  while (*link != 0) {
    const uint32_t use = *link;
    StreamUse& row = uses_[use - 1];
    if (only_in_capture && !row.in_capture) {
      link = &row.next;
      continue;
    }
    *link = row.next;
    row.next = unused_use_;
    unused_use_ = use;
  }
}

void CachingPolicy::wait_for_streams(BlockId id) {
  blocks_[id].use = BlockUse::kPending;
  ++waiting_;
  for (uint32_t use = blocks_[id].uses; use != 0; use = uses_[use - 1].next) {
    ++blocks_[id].events;
    driver_.record_event(id, uses_[use - 1].stream);
  }
  drop_uses(id, /*only_in_capture=*/false);
}

void CachingPolicy::event_done(BlockId id) {
  if (--blocks_[id].events > 0) return;
  --waiting_;
  complete_free(id);
}

// What was recorded inside a capture happened in the graph, not on a stream.
void CachingPolicy::resume_deferred() {
  for (const BlockId id : deferred_) {
    drop_uses(id, /*only_in_capture=*/true);
    if (blocks_[id].uses == 0) {
      complete_free(id);
    } else {
      wait_for_streams(id);
    }
  }
  deferred_.clear();
}

// Source: synchronize_and_free_events.
void CachingPolicy::wait_for_events(std::optional<PoolIdx> pool) {
  ++statistics_.num_sync_all_streams;
  resume_deferred();
  if (waiting_ > 0) driver_.synchronize(pool);
}

void CachingPolicy::process_events() {
  if (captures()) return;
  resume_deferred();
  if (waiting_ > 0) driver_.poll_events();
}

// ---- Looking ahead ----

BlockId CachingPolicy::best_fit(Bytes bytes, StreamId stream, PoolIdx pool) const {
  const Search search = search_for(bytes, pool);
  const bool small = search.rounded <= kSmallMax.value();
  const uint32_t shelf = find_shelf(block_pools_[block_pool_index(pool, small)], stream);
  return shelf == kNoShelf ? BlockId::none() : find_fit(*shelves_[shelf], search.rounded, search.expandable);
}

Prediction CachingPolicy::predict(Bytes bytes, StreamId stream, PoolIdx pool) const {
  if (!best_fit(bytes, stream, pool).is_none()) return Prediction::kCached;
  Search search = search_for(bytes, pool);
  const bool small = search.rounded <= kSmallMax.value();
  search.shelf = find_shelf(block_pools_[block_pool_index(pool, small)], stream);
  if (collects() && statistics_.reserved.current.value() > garbage_threshold() && could_collect()) {
    return Prediction::kReleasesFirst;
  }
  if (!refused_by_limit(search)) {
    const auto wanted = search.expandable ? bytes_to_map(search, small) : search.segment;
    if (wanted && driver_.free_bytes() >= Bytes(*wanted)) return Prediction::kDriver;
  }
  const bool one_first = config_.settings.max_split_size != kUnlimited && !search.rejected && could_release_one(search);
  return one_first ? Prediction::kReleasesFirst : Prediction::kReleases;
}

}  // namespace unfrag::alloc
