#include "rehearsal/null/fat_binary.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "rehearsal/null/pointers.h"
#include "rehearsal/null/value_at.h"

namespace unfrag::null {
namespace {

constexpr uint32_t kWrapperMagic = 0x466243b1;
constexpr uint64_t kWrapperData = 8;  // a pointer

constexpr uint32_t kMagic = 0xba55ed50;
constexpr uint64_t kHeaderBytes = 6;   // uint16_t
constexpr uint64_t kEntriesBytes = 8;  // uint64_t

constexpr uint64_t kKind = 0;              // uint16_t
constexpr uint64_t kEntryHeaderBytes = 4;  // uint32_t
constexpr uint64_t kCodeBytes = 8;         // uint64_t, after the header
constexpr uint64_t kArchitecture = 28;     // uint32_t
constexpr uint64_t kFlags = 40;            // uint64_t
constexpr uint64_t kSmallestEntry = 48;
constexpr uint16_t kPtx = 1;
constexpr uint16_t kElf = 2;
constexpr uint64_t kExactly = 0x100000;  // sm_90a; sm_103f has 0x200000

std::optional<KernelImage> image_at(uint64_t entry) {
  const auto kind = value_at<uint16_t>(entry + kKind);
  if (kind != kPtx && kind != kElf) return std::nullopt;
  return KernelImage{.architecture = static_cast<int>(value_at<uint32_t>(entry + kArchitecture)),
                     .ptx = kind == kPtx,
                     .exactly = (value_at<uint64_t>(entry + kFlags) & kExactly) != 0};
}

}  // namespace

std::vector<KernelImage> images_of(const void* wrapper) {
  const uint64_t outer = to_number(wrapper);
  if (outer == 0 || value_at<uint32_t>(outer) != kWrapperMagic) return {};
  const auto data = value_at<uint64_t>(outer + kWrapperData);
  if (data == 0 || value_at<uint32_t>(data) != kMagic) return {};
  std::vector<KernelImage> images;
  uint64_t entry = data + value_at<uint16_t>(data + kHeaderBytes);
  const uint64_t end = entry + value_at<uint64_t>(data + kEntriesBytes);
  while (entry + kSmallestEntry <= end) {
    const auto header = value_at<uint32_t>(entry + kEntryHeaderBytes);
    if (header < kSmallestEntry) break;
    if (const auto image = image_at(entry)) images.push_back(*image);
    entry += header + value_at<uint64_t>(entry + kCodeBytes);
  }
  return images;
}

}  // namespace unfrag::null
