#include "base/chunked.h"

#include <gtest/gtest.h>

#include "base/arena.h"

namespace unfrag {
namespace {

TEST(Chunked, KeepsEveryValueAcrossChunks) {
  Chunked<uint32_t> values;
  constexpr uint32_t kCount = 3 * Chunked<uint32_t>::kChunk + 17;
  for (uint32_t i = 0; i < kCount; ++i) values.push_back(i);
  ASSERT_EQ(values.size(), kCount);
  for (uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(values[i], i);
  EXPECT_EQ(values.back(), kCount - 1);
}

TEST(Chunked, WastesAtMostOneChunk) {
  Chunked<uint64_t> values;
  constexpr size_t kCount = 10 * Chunked<uint64_t>::kChunk + 1;
  for (size_t i = 0; i < kCount; ++i) values.push_back(i);
  EXPECT_LE(values.heap_bytes(), (kCount + Chunked<uint64_t>::kChunk) * sizeof(uint64_t) + 4096);
}

TEST(Arena, RunsStayWhereTheyWerePut) {
  Arena<char> arena;
  const std::string first = "first";
  const auto stored = arena.store({first.data(), first.size()});
  const std::string filler(1 << 20, 'x');
  for (int i = 0; i < 3; ++i) arena.store({filler.data(), filler.size()});
  EXPECT_EQ(std::string(stored.begin(), stored.end()), first);
}

}  // namespace
}  // namespace unfrag
