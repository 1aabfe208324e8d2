// The invariants of a policy's state, at three levels of thoroughness; for tests, fuzzing and debugging.
#include <fmt/format.h>

#include <array>

#include "alloc/caching_policy.h"

namespace unfrag::alloc {

struct CachingPolicy::Tally {
  Bytes allocated, active, requested, reserved;
  uint64_t segments = 0;
  uint64_t waiting = 0;
  uint64_t free = 0;
  uint64_t unmapped = 0;
};

std::optional<std::string> CachingPolicy::find_fault(Check check) const {
  Tally tally;
  for (uint32_t row = 0; row < blocks_.size_rows(); ++row) {
    const BlockId id(row);
    if (blocks_[id].use == BlockUse::kUnused) continue;
    if (auto fault = fault_of_block(id, tally)) return fault;
    if (check == Check::kSums) continue;
    if (auto fault = fault_of_chain(id)) return fault;
  }
  if (auto fault = fault_of_sums(tally)) return fault;
  return check == Check::kIndices ? fault_of_indices(tally) : std::nullopt;
}

std::optional<std::string> CachingPolicy::fault_of_block(BlockId id, Tally& tally) const {
  const Block& block = blocks_[id];
  const auto fault = [&](const char* what) {
    return fmt::format("block {} at {:#x}: {}", id.value(), block.addr, what);
  };
  if (block.size == 0 || block.size % kMinBlock.value() != 0) return fault("its size is no multiple of 512");
  if (block.use == BlockUse::kTaken) return fault("it is in no index");
  if (block.use == BlockUse::kUnmapped && !block.expandable()) return fault("it is unmapped in a plain segment");
  if (block.use == BlockUse::kFree && (block.uses != 0 || block.events != 0)) return fault("it is free and waits");
  if (block.use == BlockUse::kPending && (block.uses == 0) == (block.events == 0)) {
    return fault("it is pending, and neither waits for events nor for a capture to end, or for both");
  }
  const Bytes size(block.size);
  const bool active = block.use == BlockUse::kAllocated || block.use == BlockUse::kPending;
  if (active && block.requested > block.size) return fault("it is smaller than what was asked for");
  if (block.use == BlockUse::kAllocated) tally.allocated += size;
  if (active) tally.active += size;
  if (active) tally.requested += Bytes(block.requested);
  if (block.use != BlockUse::kUnmapped) tally.reserved += size;
  if (block.prev.is_none() && !block.expandable()) ++tally.segments;
  if (block.events > 0) ++tally.waiting;
  if (block.use == BlockUse::kFree) ++tally.free;
  if (block.use == BlockUse::kUnmapped) ++tally.unmapped;
  return std::nullopt;
}

std::optional<std::string> CachingPolicy::fault_of_chain(BlockId id) const {
  const Block& block = blocks_[id];
  const auto fault = [&](const char* what) {
    return fmt::format("block {} at {:#x}: {}", id.value(), block.addr, what);
  };
  if (block.expandable()) {
    const Reservation& reservation = reservations_[block.reservation];
    if (block.prev.is_none() && block.addr != reservation.base) return fault("its reservation begins elsewhere");
    if (block.next.is_none() && block.end() != reservation.base + reservation.size) {
      return fault("its reservation ends elsewhere");
    }
    const bool whole = (block.addr - reservation.base) % reservation.page == 0 && block.size % reservation.page == 0;
    if (block.use == BlockUse::kUnmapped && !whole) return fault("unmapped space is not whole pages");
  }
  const bool alone = block.prev.is_none() && block.next.is_none() && !block.expandable();
  if (block.whole && !alone) return fault("it was never split and is not a whole segment");
  if (!block.prev.is_none() && blocks_[block.prev].next != id) return fault("its predecessor does not know it");
  if (block.next.is_none()) return std::nullopt;
  const Block& next = blocks_[block.next];
  if (next.prev != id || next.addr != block.end()) return fault("its successor does not begin where it ends");
  if (next.shelf != block.shelf || next.reservation != block.reservation) return fault("its successor is another's");
  const bool indexed = block.use == BlockUse::kFree || block.use == BlockUse::kUnmapped;
  if (indexed && next.use == block.use) return fault("it is not merged with its successor");
  return std::nullopt;
}

std::optional<std::string> CachingPolicy::fault_of_sums(const Tally& tally) const {
  struct Sum {
    const char* name;
    uint64_t counted;
    uint64_t kept;
  };
  const std::array<Sum, 6> sums = {{{"allocated bytes", tally.allocated.value(), statistics_.allocated.current.value()},
                                    {"active bytes", tally.active.value(), statistics_.active.current.value()},
                                    {"requested bytes", tally.requested.value(), statistics_.requested.current.value()},
                                    {"reserved bytes", tally.reserved.value(), statistics_.reserved.current.value()},
                                    {"segments", tally.segments, statistics_.segments},
                                    {"waiting blocks", tally.waiting, waiting_}}};
  for (const Sum& sum : sums) {
    if (sum.counted != sum.kept) return fmt::format("{}: {} counted, {} kept", sum.name, sum.counted, sum.kept);
  }
  return std::nullopt;
}

std::optional<std::string> CachingPolicy::fault_of_indices(const Tally& tally) const {
  uint64_t free = 0;
  uint64_t unmapped = 0;
  for (size_t s = 0; s < shelves_.size(); ++s) {
    const Shelf& shelf = *shelves_[s];
    const auto belongs = [&](BlockId id, BlockUse use) { return blocks_[id].use == use && blocks_[id].shelf == s; };
    BlockId before = BlockId::none();
    for (BlockId id = shelf.first(blocks_); !id.is_none(); id = shelf.next(blocks_, id)) {
      if (!belongs(id, BlockUse::kFree)) return fmt::format("shelf {} holds block {}, not its own", s, id.value());
      if (!before.is_none() && !BySize{}(blocks_[before], blocks_[id])) return fmt::format("shelf {}: order", s);
      if (shelf.previous(blocks_, id) != before) return fmt::format("shelf {}: backwards is another way", s);
      if (shelf.first_at_least(blocks_, blocks_[id].size).is_none()) return fmt::format("shelf {}: lost", s);
      before = id;
      ++free;
    }
    before = BlockId::none();
    for (BlockId id = shelf.first_unmapped(blocks_); !id.is_none(); id = shelf.next_unmapped(blocks_, id)) {
      if (!belongs(id, BlockUse::kUnmapped)) return fmt::format("shelf {}: unmapped {} not its own", s, id.value());
      if (!before.is_none() && blocks_[before].addr >= blocks_[id].addr) return fmt::format("shelf {}: order", s);
      before = id;
      ++unmapped;
    }
  }
  if (free != tally.free || unmapped != tally.unmapped) return std::string("a free or unmapped block is in no index");
  return std::nullopt;
}

}  // namespace unfrag::alloc
