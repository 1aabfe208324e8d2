// A block: a piece of a segment, handed out, waiting for other streams, free, or not backed by memory.
//
// Blocks are rows of one table and know each other by index, so that the table can grow and a block costs no heap
// allocation. Threads: those of the policy.
#pragma once

#include <cstdint>
#include <vector>

#include "alloc/driver.h"

namespace unfrag::alloc {

enum class BlockUse : uint8_t {
  kUnused,     ///< The row is on the list of unused rows.
  kAllocated,  ///< Handed out.
  kPending,    ///< Given back, waits for events of other streams.
  kFree,       ///< In the index of free blocks.
  kUnmapped,   ///< Address space of an expandable segment without memory.
  kTaken,      ///< In no index: being handed out or given back.
};

inline constexpr uint32_t kNoSegment = UINT32_MAX;  ///< Block::reservation of blocks in plain segments.

/// A cache line.
struct Block {
  uint64_t addr = 0;
  uint64_t size = 0;
  uint64_t requested = 0;  ///< The caller's bytes; left over from earlier for blocks that are not handed out.
  BlockId prev;            ///< Neighbours in the segment, by address.
  BlockId next;
  BlockId left;  ///< Children in the treap of free or unmapped blocks; `left` links unused rows.
  BlockId right;
  uint32_t shelf = 0;                 ///< Which shelf (pool, size kind, stream) it belongs to.
  uint32_t reservation = kNoSegment;  ///< Which expandable segment it lies in.
  uint32_t creation = 0;              ///< Number of the segment it came from; 0 for all where address breaks ties.
  uint32_t searched = 0;  ///< The pool's search counter when it became free: its age for the garbage collector.
  uint32_t uses = 0;      ///< First of the streams recorded on it, plus one; 0: none.
  uint16_t events = 0;    ///< Events it waits for.
  BlockUse use = BlockUse::kUnused;
  bool whole = false;  ///< A plain segment that was never split. Only then a snapshot shows the segment's stack.

  [[nodiscard]] uint64_t end() const { return addr + size; }
  [[nodiscard]] bool expandable() const { return reservation != kNoSegment; }
};
static_assert(sizeof(Block) == 64);

class BlockTable {
 public:
  Block& operator[](BlockId id) { return rows_[id.value()]; }
  const Block& operator[](BlockId id) const { return rows_[id.value()]; }

  /// A row with default values. Invalidates references to rows.
  BlockId add() {
    if (!unused_.is_none()) {
      const BlockId id = unused_;
      unused_ = rows_[id.value()].left;
      rows_[id.value()] = Block{};
      return id;
    }
    rows_.emplace_back();
    return BlockId(static_cast<uint32_t>(rows_.size() - 1));
  }
  void remove(BlockId id) {
    rows_[id.value()].use = BlockUse::kUnused;
    rows_[id.value()].left = unused_;
    unused_ = id;
  }
  void reserve(size_t rows) { rows_.reserve(rows); }
  [[nodiscard]] size_t size_rows() const { return rows_.size(); }

 private:
  std::vector<Block> rows_;
  BlockId unused_;
};

}  // namespace unfrag::alloc
