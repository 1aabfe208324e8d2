// What unknown memory reads as, by the type of its elements.
#include "rehearsal/null/unknown_values.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace unfrag::null {
namespace {

constexpr uint64_t kBlock = 4096;

template <class T, size_t N = 4>
std::array<T, N> read_as(UnknownValues& values, ElementType type) {
  values.begin_block(kBlock, sizeof(T) * N, type);
  std::array<T, N> read{};
  values.read(read.data(), kBlock, sizeof read);
  return read;
}

template <class T>
constexpr std::array<T, 4> kFour(T value) {
  return {value, value, value, value};
}

TEST(UnknownValues, OnesAreOnesOfTheType) {
  UnknownValues ones(Values::kOnes);
  EXPECT_EQ(read_as<float>(ones, ElementType::kFloat32), kFour(1.0F));
  EXPECT_EQ(read_as<double>(ones, ElementType::kFloat64), kFour(1.0));
  EXPECT_EQ(read_as<float>(ones, ElementType::kComplex64), kFour(1.0F));
  EXPECT_EQ(read_as<int64_t>(ones, ElementType::kInt64), kFour<int64_t>(1));
  EXPECT_EQ(read_as<int32_t>(ones, ElementType::kInt32), kFour(1));
  EXPECT_EQ(read_as<uint16_t>(ones, ElementType::kFloat16), kFour<uint16_t>(0x3c00));
  EXPECT_EQ(read_as<uint16_t>(ones, ElementType::kBfloat16), kFour<uint16_t>(0x3f80));
  EXPECT_EQ(read_as<uint8_t>(ones, ElementType::kFloat8E4m3), kFour<uint8_t>(0x38));
  EXPECT_EQ(read_as<uint8_t>(ones, ElementType::kFloat8E5m2), kFour<uint8_t>(0x3c));
  EXPECT_EQ(read_as<uint8_t>(ones, ElementType::kBool), kFour<uint8_t>(1));
}

TEST(UnknownValues, AtRandomRealsAreFromZeroToOneAndIntegersSmall) {
  UnknownValues random(Values::kRandom);
  double sum = 0;
  const auto reals = read_as<float, 1000>(random, ElementType::kFloat32);
  for (const float real : reals) {
    EXPECT_TRUE(real >= 0 && real < 1) << real;
    sum += real;
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.05);
  const auto doubles = read_as<double, 100>(random, ElementType::kFloat64);
  for (const double real : doubles) EXPECT_TRUE(real >= 0 && real < 1) << real;
  const auto halves = read_as<uint16_t, 100>(random, ElementType::kFloat16);
  for (const uint16_t half : halves) EXPECT_LT(half, 0x3c00);
  const auto integers = read_as<int64_t, 100>(random, ElementType::kInt64);
  for (const int64_t integer : integers) EXPECT_TRUE(integer >= 0 && integer <= 7) << integer;
  const auto flags = read_as<uint8_t, 100>(random, ElementType::kBool);
  for (const uint8_t flag : flags) EXPECT_LE(flag, 1);
}

TEST(UnknownValues, MemoryOfNoKnownTypeNeverReadsAsALargeSize) {
  for (const Values how : {Values::kZeros, Values::kOnes, Values::kRandom}) {
    UnknownValues values(how);
    for (int i = 0; i < 100; ++i) {
      const uint64_t expected = how == Values::kZeros ? 0 : 1;
      EXPECT_EQ((read_as<uint32_t, 1>(values, ElementType::kNone)[0]), expected);
      EXPECT_EQ((read_as<uint64_t, 1>(values, ElementType::kNone)[0]), expected);
      EXPECT_LE((read_as<uint64_t, 1>(values, ElementType{99})[0]), 7u);
    }
  }
}

TEST(UnknownValues, AReadMayBeginAndEndAnywhere) {
  UnknownValues ones(Values::kOnes);
  ones.begin_block(kBlock, 8, ElementType::kFloat32);
  std::array<unsigned char, 16> read{};
  ones.read(read.data(), kBlock - 2, 15);  // of no type, two floats, of no type
  EXPECT_EQ(read, (std::array<unsigned char, 16>{1, 0, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f, 1, 0, 0, 0, 0, 0}));
  ones.read(read.data(), kBlock + 2, 2);
  EXPECT_EQ(read[0] | read[1] << 8, 0x3f80);
  ones.end_blocks(kBlock, 1);
  ones.read(read.data(), kBlock + 4, 4);
  EXPECT_EQ(read[0], 1);
}

TEST(UnknownValues, TheSameReadsReadTheSameInEveryProcess) {
  UnknownValues one(Values::kRandom);
  UnknownValues other(Values::kRandom);
  const auto read = read_as<double>(one, ElementType::kFloat64);
  EXPECT_EQ(read, read_as<double>(other, ElementType::kFloat64));
  EXPECT_NE(read, read_as<double>(one, ElementType::kFloat64));
}

}  // namespace
}  // namespace unfrag::null
