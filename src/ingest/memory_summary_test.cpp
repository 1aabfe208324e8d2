#include "ingest/memory_summary.h"

#include <gtest/gtest.h>

#include <string>

#include "ingest/squeeze.h"

namespace unfrag::ingest {
namespace {

using trace::MemorySummary;

constexpr std::string_view kTable = R"(
|===========================================================================|
|                  PyTorch CUDA memory summary, device ID 0                 |
|---------------------------------------------------------------------------|
|            CUDA OOMs: 1            |        cudaMalloc retries: 2         |
|===========================================================================|
|        Metric         | Cur Usage  | Peak Usage | Tot Alloc  | Tot Freed  |
|---------------------------------------------------------------------------|
| Allocated memory      |  14356 MiB |  23806 MiB |  32225 MiB |  17868 MiB |
|       from large pool |  14356 MiB |  23806 MiB |  29960 MiB |  15604 MiB |
|---------------------------------------------------------------------------|
| GPU reserved memory   |  24192 MiB |  24192 MiB |  24192 MiB |      0 B   |
|---------------------------------------------------------------------------|
| Allocations           |     582    |    1012    |  123456 K  |   122874   |
|---------------------------------------------------------------------------|
| Oversize GPU segments |       0    |       0    |       0    |       0    |
|===========================================================================|
)";

MemorySummary read(std::string_view text) {
  return find_memory_summaries(squeeze(text)).last.value_or(MemorySummary{});
}

TEST(MemorySummary, ReadsRowsAndHeader) {
  const MemorySummary s = read(kTable);
  EXPECT_EQ(s.device, 0u);
  EXPECT_EQ(s.ooms, 1u);
  EXPECT_EQ(s.retries, 2u);
  ASSERT_TRUE(s.allocated && s.reserved && s.allocations && s.oversize_segments);
  EXPECT_EQ(s.allocated->current.text, "14356 MiB");
  EXPECT_EQ(s.allocated->current.low, uint64_t{14356} << 20);
  EXPECT_EQ(s.allocated->current.high, (uint64_t{14357} << 20) - 1);
  EXPECT_EQ(s.allocated->peak.text, "23806 MiB");
  EXPECT_EQ(s.reserved->freed.high, 0u);
  EXPECT_EQ(s.allocations->allocated.value, 123'456'000u);
  EXPECT_EQ(s.allocations->allocated.high, 123'456'999u);
  EXPECT_FALSE(s.active);
}

TEST(MemorySummary, ReadsReprAndNarrowTerminalsAlike) {
  std::string repr;
  std::string narrow;
  for (const char c : kTable) {
    if (c == '\n') {
      repr += "\\n";
    } else {
      repr += c;
    }
    narrow += c;
    if (narrow.size() % 41 == 0) narrow += '\n';
  }
  EXPECT_EQ(read("'" + repr + "'").allocated->current.text, "14356 MiB");
  EXPECT_EQ(read(narrow).allocated->current.text, "14356 MiB");
  EXPECT_EQ(read(narrow).retries, 2u);
}

TEST(MemorySummary, ReadsTheUnitsOfOldReleasesAsPowersOfTwo) {
  const MemorySummary s = read("| Allocated memory      |    1062 MB |    4877 MB |   89299 MB |   88237 MB |");
  ASSERT_TRUE(s.allocated);
  EXPECT_EQ(s.allocated->current.value, uint64_t{1062} << 20);
  EXPECT_FALSE(s.device);
}

TEST(MemorySummary, IsTheLastOfSeveral) {
  const std::string row = "| Allocated memory | 7 B | 8 B | 9 B | 2 B |\n";
  const FoundSummaries found =
      find_memory_summaries(squeeze(std::string(kTable) + "memory summary, device ID 5\n" + row));
  EXPECT_EQ(found.count, 2u);
  EXPECT_EQ(found.last->device, 5u);
  EXPECT_EQ(found.last->allocated->current.value, 7u);
}

TEST(MemorySummary, IsNotATitleAlone) {
  EXPECT_FALSE(find_memory_summaries("").last);
  EXPECT_FALSE(find_memory_summaries(squeeze("PyTorch CUDA memory summary, device ID 0")).last);
  EXPECT_FALSE(find_memory_summaries(squeeze("| Allocated memory | many | 2 | 3 | 4 |")).last);
}

}  // namespace
}  // namespace unfrag::ingest
