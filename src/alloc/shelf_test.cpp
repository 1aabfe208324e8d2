// Shelves and treaps against std::set: the same order, the same neighbours, at any size.
#include "alloc/shelf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "alloc/device_for_tests.h"

namespace unfrag::alloc {
namespace {

class ShelfTest : public ::testing::Test {
 protected:
  struct Before {
    const BlockTable* blocks;
    bool operator()(BlockId a, BlockId b) const { return BySize{}((*blocks)[a], (*blocks)[b]); }
  };

  BlockId add(uint64_t size, uint32_t creation, uint64_t addr) {
    const BlockId id = blocks_.add();
    blocks_[id].size = size;
    blocks_[id].creation = creation;
    blocks_[id].addr = addr;
    shelf_->insert(blocks_, id);
    expected_.insert(id);
    return id;
  }
  void remove(BlockId id) {
    shelf_->erase(blocks_, id);
    expected_.erase(id);
    blocks_.remove(id);
  }
  // From both ends, and from sizes at, below and above those there are.
  void compare() {
    std::vector<BlockId> there;
    for (BlockId id = shelf_->first(blocks_); !id.is_none(); id = shelf_->next(blocks_, id)) there.push_back(id);
    ASSERT_TRUE(std::ranges::equal(there, expected_));
    std::vector<BlockId> back;
    for (BlockId id = shelf_->last(blocks_); !id.is_none(); id = shelf_->previous(blocks_, id)) back.push_back(id);
    std::ranges::reverse(back);
    ASSERT_EQ(back, there);
    for (const BlockId id : there) {
      for (const uint64_t size : {blocks_[id].size - 512, blocks_[id].size, blocks_[id].size + 512}) {
        const auto enough = std::ranges::find_if(there, [&](BlockId other) { return blocks_[other].size >= size; });
        ASSERT_EQ(shelf_->first_at_least(blocks_, size), enough == there.end() ? BlockId::none() : *enough);
      }
    }
  }

  BlockTable blocks_;
  std::unique_ptr<Shelf> shelf_ = std::make_unique<Shelf>(0, 0);
  std::set<BlockId, Before> expected_{Before{&blocks_}};
};

TEST_F(ShelfTest, AnEmptyOneHasNothing) {
  EXPECT_TRUE(shelf_->first(blocks_).is_none());
  EXPECT_TRUE(shelf_->last(blocks_).is_none());
  EXPECT_TRUE(shelf_->first_at_least(blocks_, 512).is_none());
  EXPECT_TRUE(shelf_->first_at_least(blocks_, uint64_t{1} << 63).is_none());
  EXPECT_TRUE(shelf_->first_unmapped(blocks_).is_none());
}

TEST_F(ShelfTest, OrdersBySizeThenCreationThenAddress) {
  const BlockId d = add(1024, 2, 100);
  const BlockId c = add(1024, 1, 300);
  const BlockId b = add(1024, 1, 200);
  const BlockId a = add(512, 9, 900);
  std::vector<BlockId> order;
  for (BlockId id = shelf_->first(blocks_); !id.is_none(); id = shelf_->next(blocks_, id)) order.push_back(id);
  EXPECT_EQ(order, (std::vector{a, b, c, d}));
}

TEST_F(ShelfTest, AgreesWithASetWhateverIsPutInAndTakenOut) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    for (int step = 0; step < 400; ++step) {
      if (random.one_in(3) && !expected_.empty()) {
        remove(*std::next(expected_.begin(), static_cast<ptrdiff_t>(random.below(expected_.size()))));
      } else {
        // Of all magnitudes; at every second seed few sizes, so that many are equal.
        const uint64_t size = seed % 2 == 0 ? 512 * random.between(1, 4) << 10 * random.below(4)
                                            : 512 * random.between(1, uint64_t{1} << random.between(1, 50));
        add(size, static_cast<uint32_t>(random.below(3)), random.next() >> 20);
      }
      if (step % 20 == 0) compare();
    }
    while (!expected_.empty()) remove(*expected_.begin());
    compare();
  }
}

TEST_F(ShelfTest, WalksUnmappedSpaceByAddress) {
  Random random(1);
  std::set<uint64_t> addresses;
  std::vector<BlockId> ids;
  for (int i = 0; i < 200; ++i) {
    const BlockId id = blocks_.add();
    blocks_[id].addr = random.next();
    addresses.insert(blocks_[id].addr);
    shelf_->insert_unmapped(blocks_, id);
    ids.push_back(id);
  }
  for (size_t i = 0; i < ids.size(); i += 2) {
    addresses.erase(blocks_[ids[i]].addr);
    shelf_->erase_unmapped(blocks_, ids[i]);
  }
  std::vector<uint64_t> walked;
  for (BlockId id = shelf_->first_unmapped(blocks_); !id.is_none(); id = shelf_->next_unmapped(blocks_, id)) {
    walked.push_back(blocks_[id].addr);
  }
  EXPECT_TRUE(std::ranges::equal(walked, addresses));
}

size_t depth(const BlockTable& blocks, BlockId root) {
  if (root.is_none()) return 0;
  return 1 + std::max(depth(blocks, blocks[root].left), depth(blocks, blocks[root].right));
}

// No block has a smaller priority than those below it: so the shape depends on what is in the tree alone.
bool is_heap(const BlockTable& blocks, BlockId root) {
  if (root.is_none()) return true;
  return std::ranges::all_of(std::array{blocks[root].left, blocks[root].right}, [&](BlockId child) {
    return child.is_none() || (treap::priority(child) < treap::priority(root) && is_heap(blocks, child));
  });
}

// Programs free in the order in which they allocated, backwards, or every so many blocks: none of it may make a list
// of the tree.
TEST(Treap, StaysShallowInTheOrdersThatProgramsHave) {
  constexpr uint32_t kBlocks = 50000;
  for (const uint32_t stride : {1U, 2U, 8U, 89U, 144U, 1597U, 4096U, 10946U}) {
    BlockTable blocks;
    for (uint32_t i = 0; i < kBlocks; ++i) blocks.add();
    uint64_t addr = 0;
    for (uint32_t first = 0; first < stride; ++first) {
      for (uint32_t i = first; i < kBlocks; i += stride) blocks[BlockId(i)].addr = addr++;
    }
    BlockId root;
    for (uint32_t i = 0; i < kBlocks; ++i) treap::insert(blocks, root, BlockId(i), ByAddress{});
    EXPECT_LE(depth(blocks, root), 60U) << "every " << stride << " blocks";
    EXPECT_TRUE(is_heap(blocks, root));
    for (uint32_t i = 0; i < kBlocks; i += 3) treap::erase(blocks, root, BlockId(i), ByAddress{});
    EXPECT_LE(depth(blocks, root), 60U) << "every " << stride << " blocks, a third of them gone";
    EXPECT_TRUE(is_heap(blocks, root));
  }
}

}  // namespace
}  // namespace unfrag::alloc
