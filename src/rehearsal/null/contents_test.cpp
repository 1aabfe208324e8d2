// What is known of device memory: pieces, overlaps, and the bound on what copies may take of the host.
#include "rehearsal/null/contents.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <random>
#include <string>

namespace unfrag::null {
namespace {

constexpr uint64_t kPlenty = uint64_t{1} << 30;

/// What a read gives where `?` stands for what is unknown.
std::string read(const Contents& contents, uint64_t address, uint64_t size) {
  std::string text(size, '?');
  for (const auto& [begin, end] : contents.read(text.data(), address, size)) {
    for (uint64_t at = begin; at < end; ++at) EXPECT_EQ(text[at - address], '?');
  }
  return text;
}

TEST(Contents, WhatIsWrittenOverAndForgottenIsCutOut) {
  Contents contents(kPlenty);
  contents.write(100, "abcdefghij", 10);
  contents.write(103, "XY", 2);
  EXPECT_EQ(read(contents, 98, 14), "??abcXYfghij??");
  contents.forget(105, 2);
  contents.fill(108, 'z', 6);
  EXPECT_EQ(read(contents, 98, 18), "??abcXY??hzzzzzz??");
  contents.write(112, "12345", 5);
  EXPECT_EQ(read(contents, 106, 12), "?hzzzz12345?");
}

TEST(Contents, ACopyWithinTheDeviceTakesWhatIsKnownAlongAndNothingElse) {
  Contents contents(kPlenty);
  contents.write(10, "abcdef", 6);
  contents.fill(20, 'z', 4);
  contents.write(50, "----------------", 16);
  contents.copy(50, 12, 16);
  EXPECT_EQ(read(contents, 50, 16), "cdef????zzzz????");
  contents.copy(52, 50, 10);  // overlapping
  EXPECT_EQ(read(contents, 50, 14), "cdcdef????zz??");
}

TEST(Contents, AnyOrderOfOperationsReadsAsAMapOfBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    Contents contents(kPlenty);
    std::map<uint64_t, char> model;
    for (int i = 0; i < 200; ++i) {
      const uint64_t at = random() % 64, size = random() % 20, from = random() % 64;
      const std::string text(size, static_cast<char>('a' + random() % 26));
      std::map<uint64_t, char> before = model;
      const auto kind = random() % 4;
      for (uint64_t k = 0; k < size; ++k) model.erase(at + k);
      if (kind == 0) contents.write(at, text.data(), size);
      if (kind == 1) contents.fill(at, size == 0 ? 0 : text[0], size);
      if (kind == 2) contents.forget(at, size);
      if (kind == 3) contents.copy(at, from, size);
      for (uint64_t k = 0; k < size; ++k) {
        if (kind < 2) model[at + k] = text[k];
        if (kind == 3 && before.contains(from + k)) model[at + k] = before[from + k];
      }
      std::string expected;
      for (uint64_t k = 0; k < 96; ++k) expected += model.contains(k) ? model[k] : '?';
      ASSERT_EQ(read(contents, 0, 96), expected);
    }
    contents.forget(0, 200);
    EXPECT_EQ(contents.kept_bytes(), 0u);
  }
}

TEST(Contents, AMemsetOfAnySizeCostsNothing) {
  Contents contents(1000);
  contents.fill(0, 0, uint64_t{80} << 30);
  EXPECT_EQ(contents.kept_bytes(), 0u);
  EXPECT_EQ(read(contents, uint64_t{40} << 30, 3), std::string(3, '\0'));
}

/// Of the processor's, and the least of some tries: others use the machine, too.
double seconds_for_memsets_in_a_copy(uint64_t count) {
  double least = 1e9;
  for (int i = 0; i < 3; ++i) {
    const std::clock_t begin = std::clock();
    Contents contents(kPlenty);
    const std::string copy(4 * count, 'c');
    contents.write(0, copy.data(), copy.size());
    for (uint64_t k = 0; k < count; ++k) contents.fill(4 * k, 0, 2);
    least = std::min(least, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return least;
}

TEST(Contents, ManySmallMemsetsInACopyCostNoSquare) {
  constexpr uint64_t kFew = 8000;
  const double few = seconds_for_memsets_in_a_copy(kFew);
  EXPECT_LT(seconds_for_memsets_in_a_copy(16 * kFew), 100 * few);  // 16 times, or 256
}

TEST(Contents, ACopyOfWhichOnlyPartsAreLeftIsCountedUntilTheLastOfThemGoes) {
  constexpr uint64_t kLarge = 100'000;
  Contents contents(2 * kLarge);
  const std::string large(kLarge, 'L');
  contents.write(0, large.data(), kLarge);
  contents.fill(1000, 'z', kLarge - 2000);
  EXPECT_GE(contents.kept_bytes(), kLarge);
  EXPECT_EQ(contents.write(kLarge, large.data(), kLarge), 2000u);  // the rest of the first goes for it
  EXPECT_LE(contents.kept_bytes(), 2 * kLarge);
  EXPECT_EQ(read(contents, 999, 2) + read(contents, kLarge - 1001, 2), "?zz?");
  contents.forget(kLarge, kLarge);
  EXPECT_EQ(contents.kept_bytes(), 0u);
}

TEST(Contents, BeyondTheBoundTheOldestCopiesGoFirstAndSmallOnesLast) {
  constexpr uint64_t kLarge = 100'000;
  Contents contents(10 * kLarge);
  const std::string large(kLarge, 'L');
  contents.write(0, "small", 5);
  uint64_t dropped = 0;
  for (uint64_t i = 1; i <= 100; ++i) dropped += contents.write(i * kLarge, large.data(), kLarge);
  EXPECT_EQ(dropped, 91 * kLarge);
  EXPECT_LE(contents.kept_bytes(), 10 * kLarge);
  EXPECT_EQ(read(contents, 0, 5), "small");
  EXPECT_EQ(read(contents, 91 * kLarge, 1), "?");
  EXPECT_EQ(read(contents, 92 * kLarge, 1), "L");
}

}  // namespace
}  // namespace unfrag::null
