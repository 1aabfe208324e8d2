// A shelf: the free blocks of one stream in one block pool by size, and its unmapped address space by address.
//
// The order is PyTorch's: size, then the segment's creation number, then address (creation numbers are all 0 where
// only addresses break ties). Sizes fall into classes, 32 to a power of two, each a treap; two levels of bitmap find
// the next class that is not empty.
//
//   sizes  512 1024 ... 16 KiB | 16.5 ... 32 KiB | ...       one treap a class, one bit a class
//
// Cost: a few steps an operation where classes hold few blocks, logarithmic in what a class holds otherwise.
// Threads: those of the policy.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "alloc/block.h"
#include "alloc/rounding.h"
#include "alloc/treap.h"

namespace unfrag::alloc {

/// PyTorch's order of free blocks of one stream.
struct BySize {
  bool operator()(const Block& a, const Block& b) const {
    if (a.size != b.size) return a.size < b.size;
    if (a.creation != b.creation) return a.creation < b.creation;
    return a.addr < b.addr;
  }
};
struct ByAddress {
  bool operator()(const Block& a, const Block& b) const { return a.addr < b.addr; }
};

class Shelf {
 public:
  Shelf(StreamId stream, uint32_t block_pool) : stream_(stream), block_pool_(block_pool) {}

  [[nodiscard]] StreamId stream() const { return stream_; }
  /// Row of the policy's table of block pools.
  [[nodiscard]] uint32_t block_pool() const { return block_pool_; }

  void insert(BlockTable& blocks, BlockId id) {
    const size_t c = size_class(blocks[id].size);
    if (roots_[c].is_none()) mark(c);
    treap::insert(blocks, roots_[c], id, BySize{});
  }
  void erase(BlockTable& blocks, BlockId id) {
    const size_t c = size_class(blocks[id].size);
    treap::erase(blocks, roots_[c], id, BySize{});
    if (roots_[c].is_none()) unmark(c);
  }

  /// The first block of `size` bytes or more; none if there is none.
  [[nodiscard]] BlockId first_at_least(const BlockTable& blocks, uint64_t size) const {
    const size_t c = size_class(size);
    if (!roots_[c].is_none()) {
      const BlockId found = treap::first_not(blocks, roots_[c], [&](const Block& b) { return b.size < size; });
      if (!found.is_none()) return found;
    }
    return first_from_class(blocks, c + 1);
  }
  [[nodiscard]] BlockId first(const BlockTable& blocks) const { return first_from_class(blocks, 0); }
  [[nodiscard]] BlockId next(const BlockTable& blocks, BlockId id) const;
  [[nodiscard]] BlockId previous(const BlockTable& blocks, BlockId id) const;
  [[nodiscard]] BlockId last(const BlockTable& blocks) const { return last_to_class(blocks, kClasses); }

  /// Address space of expandable segments without memory behind it, by address.
  void insert_unmapped(BlockTable& blocks, BlockId id) { treap::insert(blocks, unmapped_, id, ByAddress{}); }
  void erase_unmapped(BlockTable& blocks, BlockId id) { treap::erase(blocks, unmapped_, id, ByAddress{}); }
  [[nodiscard]] BlockId first_unmapped(const BlockTable& blocks) const {
    return treap::first_not(blocks, unmapped_, [](const Block&) { return false; });
  }
  [[nodiscard]] BlockId next_unmapped(const BlockTable& blocks, BlockId id) const {
    return treap::first_not(blocks, unmapped_, [&](const Block& b) { return b.addr <= blocks[id].addr; });
  }

 private:
  static constexpr size_t kBits = 5;  ///< 32 classes to a power of two.
  static constexpr size_t kClasses = (64 - 9 - kBits + 1) << kBits;
  static constexpr size_t kWords = (kClasses + 63) / 64;

  static size_t size_class(uint64_t size) {
    const uint64_t units = size / kMinBlock.value();
    if (units < (uint64_t{1} << kBits)) return units;
    const size_t shift = static_cast<size_t>(std::bit_width(units)) - kBits - 1;
    return (shift << kBits) + (units >> shift);
  }

  void mark(size_t c) {
    occupied_[c / 64] |= uint64_t{1} << (c % 64);
    occupied_words_ |= uint64_t{1} << (c / 64);
  }
  void unmark(size_t c) {
    occupied_[c / 64] &= ~(uint64_t{1} << (c % 64));
    if (occupied_[c / 64] == 0) occupied_words_ &= ~(uint64_t{1} << (c / 64));
  }

  [[nodiscard]] BlockId first_from_class(const BlockTable& blocks, size_t c) const;
  [[nodiscard]] BlockId last_to_class(const BlockTable& blocks, size_t c) const;

  StreamId stream_;
  uint32_t block_pool_;
  BlockId unmapped_;
  uint64_t occupied_words_ = 0;
  std::array<uint64_t, kWords> occupied_{};
  std::array<BlockId, kClasses> roots_{};
  static_assert(kWords <= 64);
};

inline BlockId Shelf::first_from_class(const BlockTable& blocks, size_t c) const {
  if (c >= kClasses) return BlockId::none();
  size_t word = c / 64;
  uint64_t bits = occupied_[word] >> (c % 64) << (c % 64);
  if (bits == 0) {
    const uint64_t words = word == 63 ? 0 : occupied_words_ >> (word + 1) << (word + 1);
    if (words == 0) return BlockId::none();
    word = static_cast<size_t>(std::countr_zero(words));
    bits = occupied_[word];
  }
  BlockId id = roots_[word * 64 + static_cast<size_t>(std::countr_zero(bits))];
  while (!blocks[id].left.is_none()) id = blocks[id].left;
  return id;
}

}  // namespace unfrag::alloc
