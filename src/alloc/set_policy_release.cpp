// The model's ways of giving memory back, and its expandable segments.
#include <algorithm>

#include "alloc/set_policy.h"

namespace unfrag::alloc {
namespace {

uint64_t round_up(uint64_t n, uint64_t step) { return (n + step - 1) / step * step; }

}  // namespace

// ---- All that is wholly free (7.1) ----

void SetPolicy::empty_cache() { release_all(); }

void SetPolicy::release_all() {
  if (!in_capture()) {
    synchronize(std::nullopt);
    release(pools_[0]->large);
    release(pools_[0]->small);
  }
  for (const auto& pool : pools_) {
    if (!pool->retired) continue;
    release(pool->small);
    release(pool->large);
  }
}

void SetPolicy::retire_pool(PoolIdx pool) { pools_[pool.value()]->retired = true; }

void SetPolicy::release_pool(PoolIdx index) {
  Pool& pool = *pools_[index.value()];
  pool.retired = true;
  synchronize(index);
  release(pool.small);
  release(pool.large);
}

void SetPolicy::release(BlockPool& pool) {
  std::vector<Block*> to_unmap;
  for (auto at = pool.free.begin(); at != pool.free.end();) {
    Block* const block = *at++;
    if (block->reservation != nullptr) {
      to_unmap.push_back(block);
    } else if (!block->is_split()) {
      release_segment(block);
    }
  }
  for (Block* const block : to_unmap) unmap(block);
}

void SetPolicy::release_segment(Block* block) {
  driver_.free_segment(Address(block->addr), Bytes(block->size), block->pool->owner(block->stream));
  statistics_.reserved.subtract(Bytes(block->size));
  --statistics_.segments;
  ++statistics_.num_device_free;
  block->pool->free.erase(block);
  destroy(block);
}

// ---- One block that is large enough, else the largest (7.2) ----

bool SetPolicy::release_large_enough(const Request& request) {
  const uint64_t max_split_size = config_.settings.max_split_size.value();
  const uint64_t wanted = std::max(request.size, max_split_size);
  auto& free = request.pool->free;
  auto at = free.lower_bound(Least{.stream = request.stream, .size = wanted});
  if (at != free.end() && (*at)->stream == request.stream && (*at)->reservation == nullptr) {
    release_segment(*at);
    return true;
  }
  uint64_t released = 0;
  while (at != free.begin() && released < wanted) {
    const auto largest = std::prev(at);
    Block* const block = *largest;
    if (block->stream != request.stream || block->size < max_split_size) break;
    if (block->reservation != nullptr) {
      at = largest;
      continue;
    }
    released += block->size;
    release_segment(block);  // `at` stays valid: it is behind what goes
  }
  return released >= wanted;
}

// ---- What has not been used for long (7.3) ----

void SetPolicy::collect_garbage() {
  const uint64_t total = statistics_.reserved.current.value();
  const auto threshold = static_cast<uint64_t>(config_.settings.garbage_collection_threshold *
                                               static_cast<double>(config_.limit->value()));
  if (total <= threshold) return;
  const uint64_t target = total - threshold;
  BlockPool& pool = pools_[0]->large;
  const auto age = [&](const Block& block) { return pool.searches - block.searches_before; };
  uint64_t ages = 0;
  uint64_t count = 0;
  for (const Block* const block : pool.free) {
    if (block->is_split()) continue;
    ages += age(*block);
    ++count;
  }
  uint64_t reclaimed = 0;
  bool freed = true;
  while (reclaimed < target && freed && count > 0) {
    freed = false;
    const double average = static_cast<double>(ages) / static_cast<double>(count);
    for (auto at = pool.free.begin(); at != pool.free.end();) {
      Block* const block = *at++;
      if (block->is_split() || block->reservation != nullptr) continue;
      if (static_cast<double>(age(*block)) < average) continue;
      freed = true;
      reclaimed += block->size;
      ages -= age(*block);
      --count;
      release_segment(block);
    }
  }
}

// ---- Expandable segments (6) ----

// (6.4)
SetPolicy::Block* SetPolicy::obtain_expandable(const Request& request) {
  Block* block = find_expandable(request);
  if (block == nullptr) block = reserve(request);
  if (block == nullptr) return nullptr;
  if (!block->mapped && !map(block, std::min(block->size, request.size))) return nullptr;
  while (block->size < request.size) {
    Block* const next = block->next;
    if (!map(next, std::min(request.size - block->size, next->size))) return nullptr;
    block = next;  // which has taken in the one before
  }
  block->pool->free.erase(block);
  return block;
}

SetPolicy::Block* SetPolicy::find_expandable(const Request& request) {
  Block lowest;
  lowest.stream = request.stream;
  const auto& unmapped = request.pool->unmapped;
  for (auto at = unmapped.lower_bound(&lowest); at != unmapped.end() && (*at)->stream == request.stream; ++at) {
    Block* start = *at;
    if (start->prev != nullptr && start->prev->is_idle()) start = start->prev;
    uint64_t room = 0;
    for (const Block* b = start; b != nullptr && b->is_idle() && room < request.size; b = b->next) room += b->size;
    if (room >= request.size) return start;
  }
  return nullptr;
}

// (6.2) A request larger than any reservation asks for none; what PyTorch does then is not established.
SetPolicy::Block* SetPolicy::reserve(const Request& request) {
  const Settings& settings = config_.settings;
  const uint64_t total = config_.device_total.value();
  const uint64_t page = request.pool->small ? kSmallSegment.value() : settings.large_segment_size.value();
  const uint64_t most = total + total / 8;
  uint64_t size = most;
  if (settings.reserve_fraction) {
    size = static_cast<uint64_t>(*settings.reserve_fraction * static_cast<double>(total));
  }
  if (settings.reserve_bytes) size = settings.reserve_bytes->value();
  size = round_up(std::max(page, std::min(size, most)), page);
  if (size < request.size) return nullptr;
  const auto base = driver_.reserve(Bytes(size), request.pool->owner(request.stream));
  if (!base) return nullptr;
  reservations_.push_back(
      std::make_unique<Reservation>(Reservation{.base = base->value(), .size = size, .page = page}));
  Block* const block = add_block(request.pool, request.stream, base->value(), size);
  block->reservation = reservations_.back().get();
  block->mapped = false;
  if (config_.rules.oldest_segment_first) block->creation = next_creation_++;
  request.pool->unmapped.insert(block);
  return block;
}

// (6.5)
bool SetPolicy::map(Block* block, uint64_t size) {
  const uint64_t page = block->reservation->page;
  const uint64_t mapped = round_up(size, page);
  if (!driver_.map(Address(block->addr), Bytes(mapped), Bytes(page), block->pool->owner(block->stream))) return false;
  block->pool->unmapped.erase(block);
  block->mapped = true;
  if (mapped < block->size) {
    Block* const rest = add_beside(*block, block->addr + mapped, block->size - mapped);
    rest->mapped = false;
    rest->prev = block;
    rest->next = block->next;
    if (rest->next != nullptr) rest->next->prev = rest;
    block->next = rest;
    block->size = mapped;
    rest->pool->unmapped.insert(rest);
  }
  merge(block, block->prev);
  merge(block, block->next);
  insert_free(block);
  statistics_.reserved.add(Bytes(mapped));
  ++statistics_.num_device_alloc;
  return true;
}

// (6.6) Whole pages go; what lies beside them in the block stays free.
void SetPolicy::unmap(Block* block) {
  Reservation* const reservation = block->reservation;
  const uint64_t page = reservation->page;
  const uint64_t begin = reservation->base + round_up(block->addr - reservation->base, page);
  const uint64_t end = reservation->base + (block->end() - reservation->base) / page * page;
  if (begin >= end) return;
  driver_.unmap(Address(begin), Bytes(end - begin), Bytes(page), block->pool->owner(block->stream));
  block->pool->free.erase(block);
  if (begin > block->addr) {
    Block* const before = add_beside(*block, block->addr, begin - block->addr);
    before->prev = block->prev;
    before->next = block;
    if (before->prev != nullptr) before->prev->next = before;
    block->prev = before;
    insert_free(before);
  }
  if (end < block->end()) {
    Block* const after = add_beside(*block, end, block->end() - end);
    after->prev = block;
    after->next = block->next;
    if (after->next != nullptr) after->next->prev = after;
    block->next = after;
    insert_free(after);
  }
  block->addr = begin;
  block->size = end - begin;
  block->mapped = false;
  merge(block, block->prev);
  merge(block, block->next);
  block->pool->unmapped.insert(block);
  statistics_.reserved.subtract(Bytes(end - begin));
  ++statistics_.num_device_free;
  if (block->is_split()) return;
  driver_.release(Address(block->addr), Bytes(block->size));
  block->pool->unmapped.erase(block);
  destroy(block);
  std::erase_if(reservations_, [&](const auto& other) { return other.get() == reservation; });
}

}  // namespace unfrag::alloc
