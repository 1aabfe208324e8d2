#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "device/gpu.h"

namespace unfrag::device {
namespace {

/// Totals in MiB, for messages that a person can compare.
double mib(Bytes bytes) { return static_cast<double>(bytes.value()) / (1 << 20); }

struct Limits {
  int threads;
  int shared_kib;
  int opt_in_kib;
};

/// The programming guide's table of technical specifications, written down a second time.
const std::map<std::pair<int, int>, Limits> kGuide{
    {{6, 0}, {2048, 64, 48}},    {{6, 1}, {2048, 96, 48}},    {{7, 0}, {2048, 96, 96}},   {{7, 5}, {1024, 64, 64}},
    {{8, 0}, {2048, 164, 163}},  {{8, 6}, {1536, 100, 99}},   {{8, 9}, {1536, 100, 99}},  {{9, 0}, {2048, 228, 227}},
    {{10, 0}, {2048, 228, 227}}, {{10, 3}, {2048, 228, 227}}, {{12, 0}, {1536, 100, 99}}, {{12, 1}, {1536, 100, 99}},
};

TEST(GpuTable, NamesEachKeyOnce) {
  std::set<std::string_view> keys{reference_gpu().key};
  for (const Gpu& gpu : all_gpus()) EXPECT_TRUE(keys.insert(gpu.key).second) << gpu.key;
}

TEST(GpuTable, IsSortedByMemory) {
  const auto gpus = all_gpus();
  EXPECT_TRUE(std::ranges::is_sorted(gpus, {}, &Gpu::total_memory));
  EXPECT_LE(gpus.front().total_memory, 4_GiB);
  EXPECT_GE(gpus.back().total_memory, 256_GiB);
}

TEST(GpuTable, KeepsToTheLimitsOfTheComputeCapability) {
  for (const Gpu& gpu : all_gpus()) {
    const auto found = kGuide.find({gpu.compute_major, gpu.compute_minor});
    ASSERT_NE(found, kGuide.end()) << gpu.key;
    const Limits& limits = found->second;
    EXPECT_EQ(gpu.threads_per_multiprocessor, limits.threads) << gpu.key;
    EXPECT_EQ(gpu.shared_per_multiprocessor, Bytes(uint64_t{1024} * static_cast<uint64_t>(limits.shared_kib)))
        << gpu.key;
    EXPECT_EQ(gpu.shared_per_block_opt_in, Bytes(uint64_t{1024} * static_cast<uint64_t>(limits.opt_in_kib))) << gpu.key;
    EXPECT_EQ(gpu.shared_per_block, 48_KiB) << gpu.key;
    EXPECT_EQ(gpu.registers_per_multiprocessor, 65'536) << gpu.key;
    EXPECT_GE(gpu.blocks_per_multiprocessor, 16) << gpu.key;
    EXPECT_LE(gpu.blocks_per_multiprocessor, 32) << gpu.key;
  }
}

TEST(GpuTable, ReportsAtMostATenthLessThanTheBoxSays) {
  // ECC on GDDR takes a sixteenth, and the driver up to 450 MiB, which is most on the smallest.
  for (const Gpu& gpu : all_gpus()) {
    const double part = mib(gpu.total_memory) / mib(gpu.nominal_memory);
    EXPECT_LE(part, 1) << gpu.key;
    EXPECT_GE(part, 0.9) << gpu.key;
  }
}

TEST(GpuTable, LosesMoreThanEightPercentOnlyToEccOrOfFourGigabytes) {
  const std::set<std::string_view> more{"a2", "a10", "a16", "gtx1650", "l4", "t4", "a10g"};
  for (const Gpu& gpu : all_gpus()) {
    if (more.contains(gpu.key)) continue;
    EXPECT_GE(mib(gpu.total_memory), 0.92 * mib(gpu.nominal_memory)) << gpu.key;
  }
}

TEST(GpuTable, HasTotalsOfWholePages) {
  for (const Gpu& gpu : all_gpus()) {
    EXPECT_EQ(gpu.total_memory.value() % 4096, 0u) << gpu.key;
  }
}

TEST(GpuTable, WritesNamesAsTheDriverDoes) {
  for (const Gpu& gpu : all_gpus()) {
    EXPECT_TRUE(gpu.name.starts_with("NVIDIA ") || gpu.name.starts_with("Tesla ")) << gpu.name;
    EXPECT_EQ(gpu.laptop, gpu.key.ends_with("-laptop")) << gpu.name;
  }
}

TEST(GpuTable, SaysWhereEveryTotalComesFrom) {
  for (const Gpu& gpu : all_gpus()) {
    EXPECT_FALSE(gpu.memory_source.empty()) << gpu.key;
    EXPECT_EQ(gpu.memory_is_derived, gpu.memory_source.starts_with("derived: ")) << gpu.key;
  }
}

TEST(GpuTable, HasPlausibleChips) {
  for (const Gpu& gpu : all_gpus()) {
    EXPECT_GE(gpu.multiprocessors, 10) << gpu.key;
    EXPECT_LE(gpu.multiprocessors, 188) << gpu.key;
    EXPECT_GE(gpu.l2_cache, 1_MiB) << gpu.key;
    EXPECT_LE(gpu.l2_cache, 128_MiB) << gpu.key;
    EXPECT_EQ(gpu.memory_bus_bits % 32, 0) << gpu.key;
    EXPECT_GE(gpu.core_clock_mhz, 1000) << gpu.key;
    EXPECT_LE(gpu.core_clock_mhz, 3000) << gpu.key;
  }
}

TEST(GpuTable, HasTheBandwidthOfTheDataSheets) {
  // Two transfers a clock over the whole bus. GB/s of NVIDIA's data sheets.
  const std::map<std::string_view, int> sheets{
      {"t4", 320},    {"v100-16g", 900}, {"a100-80g", 2039}, {"rtx3090", 936}, {"rtx4090", 1008}, {"l40s", 864},
      {"h100", 3350}, {"rtx5090", 1792}, {"h200", 4800},     {"b200", 8000},   {"gb10", 273},     {"a30", 933}};
  for (const Gpu& gpu : all_gpus()) {
    const auto sheet = sheets.find(gpu.key);
    if (sheet == sheets.end()) continue;
    const double bandwidth = 2.0 * gpu.memory_clock_mhz * gpu.memory_bus_bits / 8 / 1000;
    EXPECT_NEAR(bandwidth, sheet->second, 0.03 * sheet->second) << gpu.key;
  }
}

TEST(ReferenceGpu, IsTheDeviceOfTheRecordings) {
  const Gpu& gpu = reference_gpu();
  EXPECT_EQ(gpu.compute_major, 8);
  EXPECT_EQ(gpu.compute_minor, 0);
  EXPECT_EQ(gpu.multiprocessors, 108);
  EXPECT_EQ(gpu.threads_per_multiprocessor, 2048);
  EXPECT_EQ(gpu.registers_per_multiprocessor, 65'536);
  EXPECT_EQ(gpu.shared_per_multiprocessor, 167'936_B);
  EXPECT_EQ(gpu.shared_per_block, 49'152_B);
  EXPECT_EQ(gpu.shared_per_block_opt_in, 166'912_B);
  EXPECT_EQ(gpu.l2_cache, 40_MiB);
  EXPECT_EQ(gpu.total_memory, 16_GiB);
}

TEST(ReferenceGpu, IsNotAmongTheRealOnes) {
  for (const Gpu& gpu : all_gpus()) EXPECT_NE(gpu.key, reference_gpu().key);
}

}  // namespace
}  // namespace unfrag::device
