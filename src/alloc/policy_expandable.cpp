// Expandable segments: address space reserved once, memory mapped behind it page by page.
//
// The chain of a reservation always covers all of it; each block is mapped or not. Source: expandable segments in
// CUDACachingAllocator.cpp (#96995) as observed in recordings of 2.6 to 2.15.
#include <algorithm>

#include "alloc/caching_policy.h"

namespace unfrag::alloc {
namespace {

uint64_t round_up(uint64_t n, uint64_t step) { return (n + step - 1) / step * step; }

/// Address space for one reservation. Source: AllocatorConfig.h, expandable_segments_reserve; 9/8 of the device.
uint64_t reservation_size(const Config& config, uint64_t page) {
  const uint64_t total = config.device_total.value();
  const uint64_t most = total + total / 8;
  uint64_t size = most;
  if (config.settings.reserve_fraction) {
    size = static_cast<uint64_t>(*config.settings.reserve_fraction * static_cast<double>(total));
  }
  if (config.settings.reserve_bytes) size = config.settings.reserve_bytes->value();
  return round_up(std::clamp(size, page, std::max(most, page)), page);
}

}  // namespace

// The first place, by address, where enough free and unmapped space lies together; it begins at an unmapped block or
// at the free one before it. `to_map`: set to the bytes to be mapped there, where there is one.
BlockId CachingPolicy::find_expandable_start(const Search& search, uint64_t* to_map) const {
  const Shelf& shelf = *shelves_[search.shelf];
  for (BlockId unmapped = shelf.first_unmapped(blocks_); !unmapped.is_none();
       unmapped = shelf.next_unmapped(blocks_, unmapped)) {
    const BlockId before = blocks_[unmapped].prev;
    const bool from_before = !before.is_none() && blocks_[before].use == BlockUse::kFree;
    const BlockId start = from_before ? before : unmapped;
    const uint64_t page = reservations_[blocks_[unmapped].reservation].page;
    uint64_t space = 0;
    uint64_t mapping = 0;
    for (BlockId id = start; !id.is_none() && space < search.rounded; id = blocks_[id].next) {
      const Block& block = blocks_[id];
      if (block.use == BlockUse::kUnmapped) {
        mapping += round_up(std::min(search.rounded - space, block.size), page);
      } else if (block.use != BlockUse::kFree) {
        break;
      }
      space += block.size;
    }
    if (space < search.rounded) continue;
    if (to_map != nullptr) *to_map = mapping;
    return start;
  }
  return BlockId::none();
}

uint64_t CachingPolicy::page_of(bool small) const {
  return small ? kSmallSegment.value() : config_.settings.large_segment_size.value();
}

std::optional<uint64_t> CachingPolicy::bytes_to_map(const Search& search, bool small) const {
  uint64_t bytes = 0;
  if (search.shelf != kNoShelf && !find_expandable_start(search, &bytes).is_none()) return bytes;
  const uint64_t page = page_of(small);
  if (reservation_size(config_, page) < search.rounded) return std::nullopt;
  return round_up(search.rounded, page);
}

BlockId CachingPolicy::reserve(const Search& search) {
  const Owner for_whom = owner(search.shelf);
  const uint64_t page = page_of(for_whom.small);
  const uint64_t size = reservation_size(config_, page);
  if (size < search.rounded) return BlockId::none();
  const auto base = driver_.reserve(Bytes(size), for_whom);
  return base ? add_reservation(base->value(), size, page, search.shelf) : BlockId::none();
}

BlockId CachingPolicy::add_reservation(uint64_t base, uint64_t size, uint64_t page, uint32_t shelf) {
  auto row = std::ranges::find(reservations_, uint64_t{0}, &Reservation::size);
  if (row == reservations_.end()) row = reservations_.insert(row, Reservation{});
  *row = {.base = base, .size = size, .page = page};
  const BlockId id = blocks_.add();
  Block& block = blocks_[id];
  block.addr = base;
  block.size = size;
  block.shelf = shelf;
  block.reservation = static_cast<uint32_t>(row - reservations_.begin());
  if (config_.rules.oldest_segment_first) block.creation = next_creation_++;
  ++pool_of(shelf).holdings;
  insert_unmapped(id);
  return id;
}

// What has been mapped when a later step fails stays, as free memory.
BlockId CachingPolicy::obtain_expandable(const Search& search) {
  BlockId id = find_expandable_start(search, nullptr);
  if (id.is_none()) id = reserve(search);
  if (id.is_none()) return id;
  if (blocks_[id].use == BlockUse::kUnmapped) id = map_block(id, std::min(blocks_[id].size, search.rounded));
  while (!id.is_none() && blocks_[id].size < search.rounded) {
    const BlockId next = blocks_[id].next;
    id = map_block(next, std::min(blocks_[next].size, search.rounded - blocks_[id].size));
  }
  if (!id.is_none()) take_out(id);
  return id;
}

// Maps the first `size` bytes of an unmapped block, in whole pages, and merges them with free neighbours.
BlockId CachingPolicy::map_block(BlockId id, uint64_t size) {
  const uint64_t page = reservations_[blocks_[id].reservation].page;
  const uint64_t mapped = std::min(round_up(size, page), blocks_[id].size);
  const uint32_t shelf = blocks_[id].shelf;
  if (!driver_.map(Address(blocks_[id].addr), Bytes(mapped), Bytes(page), owner(shelf))) return BlockId::none();
  shelves_[shelf]->erase_unmapped(blocks_, id);
  if (mapped < blocks_[id].size) insert_unmapped(split_off_tail(id, mapped));
  blocks_[id].use = BlockUse::kTaken;
  merge_neighbours(id);
  put_back(id);
  statistics_.reserved.add(Bytes(mapped));
  ++statistics_.num_device_alloc;
  return id;
}

CachingPolicy::Range CachingPolicy::whole_pages(const Block& block) const {
  if (!block.expandable()) return {};
  const Reservation& reservation = reservations_[block.reservation];
  const uint64_t begin = reservation.base + round_up(block.addr - reservation.base, reservation.page);
  const uint64_t end = block.end() - (block.end() - reservation.base) % reservation.page;
  return begin < end ? Range{.addr = Address(begin), .size = Bytes(end - begin)} : Range{};
}

// Whole pages go; what is left at either side of them stays free.
void CachingPolicy::unmap_block(BlockId id) {
  const Range pages = whole_pages(blocks_[id]);
  if (pages.size == Bytes()) return;
  take_out(id);
  const uint64_t before = pages.addr.value() - blocks_[id].addr;
  if (before > 0) put_back(split_front(id, before));
  if (blocks_[id].size > pages.size.value()) put_back(split_off_tail(id, pages.size.value()));
  const Bytes page(reservations_[blocks_[id].reservation].page);
  driver_.unmap(pages.addr, pages.size, page, owner(blocks_[id].shelf));
  blocks_[id].use = BlockUse::kUnmapped;
  merge_neighbours(id);
  insert_unmapped(id);
  statistics_.reserved.subtract(pages.size);
  ++statistics_.num_device_free;
  if (blocks_[id].prev.is_none() && blocks_[id].next.is_none()) release_reservation(id);
}

void CachingPolicy::release_reservation(BlockId id) {
  Block& block = blocks_[id];
  shelves_[block.shelf]->erase_unmapped(blocks_, id);
  driver_.release(Address(block.addr), Bytes(block.size));
  reservations_[block.reservation].size = 0;
  --pool_of(block.shelf).holdings;
  blocks_.remove(id);
}

void CachingPolicy::insert_unmapped(BlockId id) {
  blocks_[id].use = BlockUse::kUnmapped;
  shelves_[blocks_[id].shelf]->insert_unmapped(blocks_, id);
}

// The mirror of split_front: the old row stays the front.
BlockId CachingPolicy::split_off_tail(BlockId id, uint64_t size) {
  const BlockId tail = blocks_.add();
  Block& front = blocks_[id];
  Block& block = blocks_[tail];
  front.whole = false;
  block = front;
  block.addr += size;
  block.size -= size;
  block.prev = id;
  if (!front.next.is_none()) blocks_[front.next].prev = tail;
  front.next = tail;
  front.size = size;
  return tail;
}

}  // namespace unfrag::alloc
