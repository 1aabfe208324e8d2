#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "device/gpu.h"

namespace unfrag::device {
namespace {

std::string key_of(std::string_view name) {
  const Gpu* gpu = find_gpu(name);
  return gpu == nullptr ? "nothing" : std::string(gpu->key);
}

bool suggests(std::string_view name, std::string_view key) { return std::ranges::count(nearest_gpus(name), key) == 1; }

TEST(FindGpu, FindsEveryKey) {
  for (const Gpu& gpu : all_gpus()) EXPECT_EQ(find_gpu(gpu.key), &gpu) << gpu.key;
}

TEST(FindGpu, FindsEveryFullName) {
  for (const Gpu& gpu : all_gpus()) {
    const Gpu* found = find_gpu(gpu.name);
    ASSERT_NE(found, nullptr) << gpu.name;
    EXPECT_EQ(found->name, gpu.name);
    EXPECT_TRUE(gpu.key.starts_with(found->key)) << gpu.key << " goes by " << found->key;
  }
}

TEST(FindGpu, DoesNotMindHowTheNameIsWritten) {
  for (const char* name : {"rtx4090", "RTX 4090", "rtx-4090", "GeForce RTX 4090", "nvidia_geforce_rtx_4090"}) {
    EXPECT_EQ(key_of(name), "rtx4090") << name;
  }
  EXPECT_EQ(key_of("A100 80GB"), "a100-80g");
  EXPECT_EQ(key_of("a10080g"), "a100-80g");
  EXPECT_EQ(key_of("Tesla T4"), "t4");
  EXPECT_EQ(key_of("RTX 6000 Ada"), "rtx6000ada");
  EXPECT_EQ(key_of("RTX 4060 laptop"), "rtx4060-laptop");
  EXPECT_EQ(key_of("RTX 4060 Ti 16 GB"), "rtx4060ti-16g");
  EXPECT_EQ(key_of("NVIDIA RTX A6000"), "a6000");
}

TEST(FindGpu, KeepsTheGbOfGraceBlackwell) {
  EXPECT_EQ(key_of("GB200"), "gb200");
  EXPECT_EQ(key_of("NVIDIA GB10"), "gb10");
}

TEST(FindGpu, TakesTheOneWithoutASizeOfThoseThatShareAName) {
  EXPECT_EQ(key_of("NVIDIA GeForce RTX 4060 Ti"), "rtx4060ti");
  EXPECT_EQ(key_of("NVIDIA GeForce RTX 3080"), "rtx3080");
  EXPECT_EQ(key_of("NVIDIA GeForce RTX 3050"), "rtx3050");
}

TEST(FindGpu, FindsTheReference) {
  EXPECT_EQ(find_gpu("reference"), &reference_gpu());
  EXPECT_EQ(find_gpu(reference_gpu().name), &reference_gpu());
}

TEST(FindGpu, FindsNothingInWhatIsNoGpu) {
  for (const char* name : {"", " ", "nvidia", "GPU", "4090", "rtx", "voodoo2", "rtx4090x", "\xff\xfe"}) {
    EXPECT_EQ(key_of(name), "nothing") << name;
  }
  EXPECT_EQ(find_gpu(std::string(1 << 20, 'a')), nullptr);
}

TEST(NearestGpus, NamesThoseThatContainWhatWasTyped) {
  ASSERT_FALSE(nearest_gpus("4090").empty());
  EXPECT_EQ(nearest_gpus("4090").front(), "rtx4090");
  for (const char* key : {"a100-40g", "a100-80g", "a100-40g-pcie", "a100-80g-pcie"}) EXPECT_TRUE(suggests("a100", key));
}

TEST(NearestGpus, NamesThoseAFewErrorsAway) {
  EXPECT_TRUE(suggests("rtx4909", "rtx4090"));
  EXPECT_TRUE(suggests("rtx 3006", "rtx3060"));
  EXPECT_TRUE(suggests("v10032", "v100-32g"));
}

TEST(NearestGpus, NamesAtMostFour) { EXPECT_EQ(nearest_gpus("rtx").size(), 4u); }

TEST(NearestGpus, NamesNothingWhereNothingIsNear) {
  EXPECT_TRUE(nearest_gpus("").empty());
  EXPECT_TRUE(nearest_gpus("7").empty());
  EXPECT_TRUE(nearest_gpus("radeon 7900 xtx").empty());
  EXPECT_TRUE(nearest_gpus(std::string(1 << 20, 'a')).empty());
}

}  // namespace
}  // namespace unfrag::device
