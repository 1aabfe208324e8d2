#include "alloc/shelf.h"

namespace unfrag::alloc {

// The last block of the classes below `c`.
BlockId Shelf::last_to_class(const BlockTable& blocks, size_t c) const {
  size_t word = c / 64;
  uint64_t bits = c % 64 == 0 ? 0 : occupied_[word] << (64 - c % 64) >> (64 - c % 64);
  if (bits == 0) {
    const uint64_t words = word == 0 ? 0 : occupied_words_ << (64 - word) >> (64 - word);
    if (words == 0) return BlockId::none();
    word = static_cast<size_t>(std::bit_width(words)) - 1;
    bits = occupied_[word];
  }
  BlockId id = roots_[word * 64 + static_cast<size_t>(std::bit_width(bits)) - 1];
  while (!blocks[id].right.is_none()) id = blocks[id].right;
  return id;
}

BlockId Shelf::next(const BlockTable& blocks, BlockId id) const {
  const Block& from = blocks[id];
  const size_t c = size_class(from.size);
  const BlockId found = treap::first_not(blocks, roots_[c], [&](const Block& b) { return !BySize{}(from, b); });
  return found.is_none() ? first_from_class(blocks, c + 1) : found;
}

BlockId Shelf::previous(const BlockTable& blocks, BlockId id) const {
  const Block& from = blocks[id];
  const size_t c = size_class(from.size);
  const BlockId found = treap::last_with(blocks, roots_[c], [&](const Block& b) { return BySize{}(b, from); });
  return found.is_none() ? last_to_class(blocks, c) : found;
}

}  // namespace unfrag::alloc
