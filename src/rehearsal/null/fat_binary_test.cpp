#include "rehearsal/null/fat_binary.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

namespace unfrag::null {
namespace {

template <class T>
void put(std::string& bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::string entry(uint16_t kind, uint32_t architecture, uint64_t flags, size_t code) {
  std::string bytes(64 + code, '\0');
  put(bytes, 0, kind);
  put<uint32_t>(bytes, 4, 64);
  put<uint64_t>(bytes, 8, code);
  put(bytes, 28, architecture);
  put(bytes, 40, flags);
  return bytes;
}

/// A container and the wrapper that points to it.
struct FatBinary {
  explicit FatBinary(const std::string& entries) : container(16, '\0') {
    put<uint32_t>(container, 0, 0xba55ed50);
    put<uint16_t>(container, 4, 1);
    put<uint16_t>(container, 6, 16);
    put<uint64_t>(container, 8, entries.size());
    container += entries;
    wrapper = {0x1466243b1, reinterpret_cast<uint64_t>(container.data()), 0};
  }
  std::string container;
  std::array<uint64_t, 3> wrapper{};
};

TEST(FatBinaryImages, AreListedInOrderWithWhatTheyRunOn) {
  const FatBinary binary(entry(2, 80, 0x8011, 4096) + entry(2, 90, 0x108011, 8) + entry(2, 103, 0x1208011, 0) +
                         entry(1, 120, 0x8011, 16));
  const std::vector<KernelImage> expected = {{.architecture = 80},
                                             {.architecture = 90, .exactly = true},
                                             {.architecture = 103},
                                             {.architecture = 120, .ptx = true}};
  EXPECT_EQ(images_of(binary.wrapper.data()), expected);
}

TEST(FatBinaryImages, EndWhereTheContainerDoes) {
  FatBinary binary(entry(2, 80, 0, 8) + entry(2, 90, 0, 8));
  put<uint64_t>(binary.container, 8, 64 + 8 + 40);
  EXPECT_EQ(images_of(binary.wrapper.data()).size(), 1U);
}

TEST(FatBinaryImages, AreNoneOfWhatIsLaidOutOtherwise) {
  FatBinary binary(entry(2, 80, 0, 8));
  put<uint32_t>(binary.container, 16 + 4, 0);
  EXPECT_TRUE(images_of(binary.wrapper.data()).empty());
  put<uint32_t>(binary.container, 0, 0x1ee55a01);
  EXPECT_TRUE(images_of(binary.wrapper.data()).empty());
  binary.wrapper[0] = 0;
  EXPECT_TRUE(images_of(binary.wrapper.data()).empty());
  EXPECT_TRUE(images_of(nullptr).empty());
}

}  // namespace
}  // namespace unfrag::null
