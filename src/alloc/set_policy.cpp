#include "alloc/set_policy.h"

#include <algorithm>
#include <bit>

#include "alloc/policy.h"
#include "alloc/rounding.h"

namespace unfrag::alloc {

static_assert(Policy<SetPolicy>);

namespace {

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

uint64_t round_up(uint64_t n, uint64_t step) { return (n + step - 1) / step * step; }

// (1.3)
uint64_t divisions_for(uint64_t bytes, const RoundingRules& rounding) {
  size_t slot = 0;
  while (slot < 15 && bytes >= (2 * kMiB) << slot) ++slot;
  return rounding.divisions[slot];
}

// (1.2)
uint64_t rounded(uint64_t bytes, const RoundingRules& rounding) {
  if (bytes < 512) return 512;
  const uint64_t divisions = divisions_for(bytes, rounding);
  if (divisions <= 1 || bytes <= 512 * divisions) return round_up(bytes, 512);
  const uint64_t power = std::bit_floor(bytes);
  if (power == bytes) return bytes;
  return round_up(bytes, power / divisions);
}

// (1.4)
uint64_t alloc_size_for(uint64_t size, uint64_t large_segment) {
  if (size <= kMiB) return 2 * kMiB;
  if (size < 10 * kMiB) return large_segment;
  return round_up(size, 2 * kMiB);
}

// How far a block could grow without moving (3.1).
uint64_t reach(const SetPolicy::Block& block) {
  return block.size + (block.next != nullptr && !block.next->mapped ? block.next->size : 0);
}

}  // namespace

SetPolicy::SetPolicy(const Config& config, Driver& driver) : config_(config), driver_(driver) { create_pool({}); }

PoolIdx SetPolicy::create_pool(const PoolOptions& options) {
  const PoolIdx index(static_cast<uint32_t>(pools_.size()));
  pools_.push_back(std::make_unique<Pool>());
  pools_.back()->small = {.pool = index, .small = true, .options = options};
  pools_.back()->large = {.pool = index, .small = false, .options = options};
  return index;
}

bool SetPolicy::in_capture() const {
  return scope_ == Scope::kCapture || (scope_ == Scope::kMemPool && config_.rules.mem_pool_scope_is_capture);
}

SetPolicy::Request SetPolicy::request_for(uint64_t bytes, StreamId stream, Pool& pool) const {
  const uint64_t size = rounded(bytes, config_.settings.rounding);
  BlockPool& block_pool = size <= kMiB ? pool.small : pool.large;
  return {.bytes = bytes,
          .size = size,
          .alloc_size = alloc_size_for(size, config_.settings.large_segment_size.value()),
          .stream = stream,
          .pool = &block_pool,
          .expandable = config_.settings.expandable_segments && !block_pool.options.custom_allocator};
}

// (3)
BlockId SetPolicy::allocate(Bytes bytes, StreamId stream, PoolIdx pool) {
  if (bytes.value() >= uint64_t{1} << 60) {
    refusal_ = {.kind = Refusal::kTooLarge, .rounded = bytes, .segment = bytes};
    return BlockId::none();
  }
  if (!in_capture()) {
    insert_deferred_events();
    driver_.poll_events();
  }
  Request request = request_for(bytes.value(), stream, *pools_[pool.value()]);
  Block* block = take_free_block(request);
  if (block == nullptr && driver_.reclaim()) block = take_free_block(request);
  if (block == nullptr) block = obtain(request);
  if (block != nullptr) return commit(block, request);
  ++(request.rejected ? statistics_.num_oom_rejections : statistics_.num_ooms);
  refusal_ = {.kind = request.rejected ? Refusal::kRejected : Refusal::kOutOfMemory,
              .rounded = Bytes(request.size),
              .segment = Bytes(request.alloc_size)};
  return BlockId::none();
}

// ---- Blocks ----

SetPolicy::Block* SetPolicy::add_block(BlockPool* pool, StreamId stream, uint64_t addr, uint64_t size) {
  if (unused_.empty()) {
    unused_.push_back(BlockId(static_cast<uint32_t>(blocks_.size())));
    blocks_.emplace_back();
  }
  const BlockId id = unused_.back();
  unused_.pop_back();
  auto& block = blocks_[id.value()] = std::make_unique<Block>();
  block->id = id;
  block->pool = pool;
  block->stream = stream;
  block->addr = addr;
  block->size = size;
  return block.get();
}

// A block of the same segment, not yet linked.
SetPolicy::Block* SetPolicy::add_beside(const Block& block, uint64_t addr, uint64_t size) {
  Block* const added = add_block(block.pool, block.stream, addr, size);
  added->reservation = block.reservation;
  added->creation = block.creation;
  return added;
}

void SetPolicy::destroy(Block* block) {
  const BlockId id = block->id;
  blocks_[id.value()].reset();
  unused_.push_back(id);
}

void SetPolicy::insert_free(Block* block) {
  block->searches_before = block->pool->searches;
  block->pool->free.insert(block);
}

// ---- Searching what is free (3.1) ----

// None: the end.
SetPolicy::FreeBlocks::const_iterator SetPolicy::find_free_block(const Request& request) const {
  const FreeBlocks& free = request.pool->free;
  const auto fits = [&](auto at) { return at != free.end() && (*at)->stream == request.stream; };
  auto found = free.lower_bound(Least{.stream = request.stream, .size = request.size});
  if (!request.expandable) {
    while (fits(found) && (*found)->reservation != nullptr) ++found;
  }
  if (!fits(found)) return free.end();
  if (request.expandable) {
    for (auto next = std::next(found); (*found)->reservation != nullptr && fits(next) && reach(**next) < reach(**found);
         ++next) {
      found = next;
    }
  }
  const uint64_t max_split_size = config_.settings.max_split_size.value();
  const uint64_t most = request.size + config_.settings.max_non_split_rounding.value();
  const uint64_t size = (*found)->size;
  if (request.size < max_split_size && size >= max_split_size) return free.end();
  if (request.size >= max_split_size && size >= most) return free.end();
  return found;
}

SetPolicy::Block* SetPolicy::take_free_block(const Request& request) {
  if (collects()) ++request.pool->searches;
  const auto found = find_free_block(request);
  if (found == request.pool->free.end()) return nullptr;
  Block* const block = *found;
  request.pool->free.erase(found);
  return block;
}

// ---- Asking the driver (3, step 5) ----

SetPolicy::Block* SetPolicy::obtain(Request& request) {
  if (collects()) collect_garbage();
  Block* block = ask_driver(request);
  if (block != nullptr || request.rejected) return block;
  const bool may_overflow = request.pool->pool == kDefaultPool;
  if (may_overflow && config_.rules.overflow_pools_first) {
    block = take_from_overflow_pools(request);
    if (block != nullptr) return block;
  }
  if (limits_splits() && release_large_enough(request)) {
    block = ask_driver(request);
    if (block != nullptr) return block;
  }
  if (!in_capture()) {
    release_all();
    ++statistics_.num_alloc_retries;
    block = ask_driver(request);
    if (block != nullptr) return block;
  }
  return may_overflow && !config_.rules.overflow_pools_first ? take_from_overflow_pools(request) : nullptr;
}

// (3.2)
SetPolicy::Block* SetPolicy::ask_driver(Request& request) {
  const Bytes then = statistics_.reserved.current + Bytes(request.alloc_size);
  if (config_.limit) {
    if (then > *config_.limit) return nullptr;
  } else if (config_.settings.throw_on_cudamalloc_oom && then > config_.device_total) {
    request.rejected = true;
    return nullptr;
  }
  return request.expandable ? obtain_expandable(request) : obtain_segment(request);
}

SetPolicy::Block* SetPolicy::obtain_segment(const Request& request) {
  const Bytes size(request.alloc_size);
  const auto addr = driver_.allocate_segment(size, request.pool->owner(request.stream));
  if (!addr) return nullptr;
  Block* const block = add_block(request.pool, request.stream, addr->value(), request.alloc_size);
  if (config_.rules.oldest_segment_first) block->creation = next_creation_++;
  statistics_.reserved.add(size);
  ++statistics_.segments;
  statistics_.segment_peak = std::max(statistics_.segment_peak, statistics_.segments);
  ++statistics_.num_device_alloc;
  return block;
}

// A hit makes the request one of that pool's (3, step 5c).
SetPolicy::Block* SetPolicy::take_from_overflow_pools(Request& request) {
  for (const auto& pool : pools_) {
    if (!pool->small.options.use_on_oom || pool->small.pool == kDefaultPool) continue;
    Request there = request;
    there.pool = request.pool->small ? &pool->small : &pool->large;
    there.expandable = false;
    Block* const block = take_free_block(there);
    if (block == nullptr) continue;
    request = there;
    return block;
  }
  return nullptr;
}

// ---- Handing out (4) ----

bool SetPolicy::should_split(const Block& block, const Request& request) const {
  const uint64_t rest = block.size - request.size;
  if (request.pool->options.no_split) return false;
  if (request.pool->small || request.expandable) return rest >= 512;
  return request.size < config_.settings.max_split_size.value() && rest > kMiB;
}

// The front is handed out; the object that was found stays the tail.
BlockId SetPolicy::commit(Block* block, const Request& request) {
  if (should_split(*block, request)) {
    Block* const tail = block;
    block = add_beside(*tail, tail->addr, request.size);
    block->prev = tail->prev;
    block->next = tail;
    if (tail->prev != nullptr) tail->prev->next = block;
    tail->prev = block;
    tail->addr += request.size;
    tail->size -= request.size;
    insert_free(tail);
  }
  block->allocated = true;
  block->requested = request.bytes;
  statistics_.allocated.add(Bytes(block->size));
  statistics_.active.add(Bytes(block->size));
  statistics_.requested.add(Bytes(request.bytes));
  return block->id;
}

// ---- Giving back (5) ----

void SetPolicy::free(BlockId id) {
  Block* const block = blocks_[id.value()].get();
  block->allocated = false;
  statistics_.allocated.subtract(Bytes(block->size));
  if (block->stream_uses.empty()) {
    complete_free(block);
  } else if (in_capture()) {
    deferred_.push_back(block);
  } else {
    insert_events(block);
  }
}

// (5.2)
void SetPolicy::complete_free(Block* block) {
  statistics_.active.subtract(Bytes(block->size));
  statistics_.requested.subtract(Bytes(block->requested));
  merge(block, block->prev);
  merge(block, block->next);
  insert_free(block);
}

// Takes a neighbour in, where it is of the same kind.
void SetPolicy::merge(Block* block, Block* neighbour) {
  if (neighbour == nullptr || !neighbour->is_idle() || neighbour->mapped != block->mapped) return;
  if (neighbour->mapped) {
    block->pool->free.erase(neighbour);
  } else {
    block->pool->unmapped.erase(neighbour);
  }
  if (block->prev == neighbour) {
    block->addr = neighbour->addr;
    block->prev = neighbour->prev;
    if (block->prev != nullptr) block->prev->next = block;
  } else {
    block->next = neighbour->next;
    if (block->next != nullptr) block->next->prev = block;
  }
  block->size += neighbour->size;
  destroy(neighbour);
}

// ---- Other streams (5.3 to 5.6) ----

void SetPolicy::record_stream(BlockId id, StreamId stream) {
  Block& block = *blocks_[id.value()];
  if (stream != block.stream) block.stream_uses[stream] |= in_capture();
}

void SetPolicy::insert_events(Block* block) {
  for (const auto& use : block->stream_uses) {
    ++block->event_count;
    driver_.record_event(block->id, use.first);
  }
  block->stream_uses.clear();
}

void SetPolicy::event_done(BlockId id) {
  Block* const block = blocks_[id.value()].get();
  if (--block->event_count == 0) complete_free(block);
}

// What was recorded inside a capture happened in the graph, so it is not waited for.
void SetPolicy::insert_deferred_events() {
  for (Block* const block : deferred_) {
    std::erase_if(block->stream_uses, [](const auto& use) { return use.second; });
    if (block->stream_uses.empty()) {
      complete_free(block);
    } else {
      insert_events(block);
    }
  }
  deferred_.clear();
}

void SetPolicy::synchronize(std::optional<PoolIdx> pool) {
  ++statistics_.num_sync_all_streams;
  insert_deferred_events();
  driver_.synchronize(pool);
}

}  // namespace unfrag::alloc
