#include <gtest/gtest.h>

#include "device/context_size.h"

namespace unfrag::device {
namespace {

TEST(ContextSize, IsWithinAnEighthOfWhatWasMeasured) {
  const struct {
    const char* key;
    int cuda_major;
    double mib;
  } readings[] = {{"l4", 12, 226},      {"rtx3080ti", 12, 250},  {"rtx3090", 12, 256}, {"v100-32g", 12, 308},
                  {"rtx4090", 13, 384}, {"rtx6000ada", 13, 426}, {"a100-80g", 12, 501}};
  for (const auto& reading : readings) {
    const Gpu* gpu = find_gpu(reading.key);
    ASSERT_NE(gpu, nullptr) << reading.key;
    const double mib = static_cast<double>(context_size(*gpu, reading.cuda_major).value()) / (1 << 20);
    EXPECT_NEAR(mib, reading.mib, reading.mib / 8) << reading.key;
  }
}

TEST(ContextSize, IsWholeTensOfMiBAndSmallBesideTheMemory) {
  for (const Gpu& gpu : all_gpus()) {
    const Bytes size = context_size(gpu, 13);
    EXPECT_EQ(size.value() % (10_MiB).value(), 0u) << gpu.key;
    EXPECT_GE(size, 50_MiB) << gpu.key;
    EXPECT_LE(size, 640_MiB) << gpu.key;
    EXPECT_LE(size.value(), gpu.total_memory.value() / 20) << gpu.key;
  }
}

TEST(ContextSize, OfTheReferenceIsThatOfTheRecordings) {
  EXPECT_EQ(context_size(reference_gpu(), 12), 500_MiB);
  EXPECT_EQ(context_size(reference_gpu(), 13), 500_MiB);
}

}  // namespace
}  // namespace unfrag::device
