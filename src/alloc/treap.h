// An ordered set of blocks, linked through the blocks themselves: a treap whose priorities are hashes of the row
// numbers, so that it needs no memory of its own and always has the same shape.
//
// Expected depth is logarithmic whatever the order of insertion. A caller passes the order: less(a, b) over rows.
// Threads: those of the policy.
#pragma once

#include "alloc/block.h"

namespace unfrag::alloc::treap {

/// A bijection, so that no two are equal. One product alone would not do: its values run evenly through rows a
/// Fibonacci number apart, and a program that frees in such a stride would make a list of the tree.
inline uint32_t priority(BlockId id) {
  uint32_t hash = id.value() * 0x9E3779B1u;
  hash ^= hash >> 15;
  return hash * 0x85EBCA77u;
}

template <class Less>
void insert(BlockTable& blocks, BlockId& root, BlockId added, Less less) {
  BlockId* link = &root;
  while (!link->is_none() && priority(*link) >= priority(added)) {
    Block& at = blocks[*link];
    link = less(blocks[added], at) ? &at.left : &at.right;
  }
  BlockId rest = *link;  // what is below is divided between the sides of `added`
  *link = added;
  BlockId* left = &blocks[added].left;
  BlockId* right = &blocks[added].right;
  while (!rest.is_none()) {
    Block& at = blocks[rest];
    BlockId** const side = less(at, blocks[added]) ? &left : &right;
    **side = rest;
    *side = side == &left ? &at.right : &at.left;
    rest = **side;
  }
  *left = BlockId::none();
  *right = BlockId::none();
}

/// Requires: `gone` is in the set.
template <class Less>
void erase(BlockTable& blocks, BlockId& root, BlockId gone, Less less) {
  BlockId* link = &root;
  while (*link != gone) {
    Block& at = blocks[*link];
    link = less(blocks[gone], at) ? &at.left : &at.right;
  }
  BlockId left = blocks[gone].left;
  BlockId right = blocks[gone].right;
  while (!left.is_none() && !right.is_none()) {
    if (priority(left) >= priority(right)) {
      *link = left;
      link = &blocks[left].right;
      left = *link;
    } else {
      *link = right;
      link = &blocks[right].left;
      right = *link;
    }
  }
  *link = left.is_none() ? right : left;
}

/// The first block for which `before(block)` does not hold; none where it holds for all. `before` must hold for a
/// beginning of the order.
template <class Before>
BlockId first_not(const BlockTable& blocks, BlockId root, Before before) {
  BlockId found = BlockId::none();
  while (!root.is_none()) {
    const Block& at = blocks[root];
    if (before(at)) {
      root = at.right;
    } else {
      found = root;
      root = at.left;
    }
  }
  return found;
}

/// The last block for which `before(block)` holds; none where it holds for none.
template <class Before>
BlockId last_with(const BlockTable& blocks, BlockId root, Before before) {
  BlockId found = BlockId::none();
  while (!root.is_none()) {
    const Block& at = blocks[root];
    if (before(at)) {
      found = root;
      root = at.right;
    } else {
      root = at.left;
    }
  }
  return found;
}

}  // namespace unfrag::alloc::treap
