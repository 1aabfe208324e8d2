// How PyTorch rounds a request to a block size: pure arithmetic, the first piece of the allocator model.
//
// Source: PyTorch c10/cuda/CUDACachingAllocator.cpp, round_size and roundup_power2_next_division; constants in
// c10/cuda/CUDACachingAllocator.h, unchanged since 2019. Pinned memory: ATen/core/CachingHostAllocator.h.
// Threads: pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/strong.h"

namespace unfrag::alloc {

inline constexpr Bytes kMinBlock = 512_B;  ///< Granularity and minimum of every block.
inline constexpr Bytes kSmallMax = 1_MiB;  ///< Largest rounded size the small pool serves.
inline constexpr Bytes kSmallSegment = 2_MiB;
inline constexpr Bytes kLargeSegment = 20_MiB;  ///< Unless large_segment_size_mb says otherwise (2.12 on).
inline constexpr Bytes kMinLarge = 10_MiB;      ///< From here on a request gets a segment of its own ...
inline constexpr Bytes kRoundLarge = 2_MiB;     ///< ... of a multiple of this.

/// The setting roundup_power2_divisions: slot i is for requests of [2^i MiB, 2^(i+1) MiB), the first also for all
/// smaller ones, the last for all larger ones. 0 and 1 mean no such rounding.
struct RoundingRules {
  std::array<uint32_t, 16> divisions{};
  bool operator==(const RoundingRules& other) const {
    return std::ranges::equal(divisions, other.divisions,
                              [](uint32_t a, uint32_t b) { return a == b || (a <= 1 && b <= 1); });
  }
};

/// The block size for a request of `requested` bytes. Requires: requested < 2^60.
constexpr Bytes round_size(Bytes requested, const RoundingRules& rules) {
  const uint64_t n = requested.value();
  if (n < kMinBlock.value()) return kMinBlock;
  const int log2 = static_cast<int>(std::bit_width(n)) - 1;
  const int slot = log2 < 20 ? 0 : log2 > 35 ? 15 : log2 - 20;
  const uint64_t divisions = rules.divisions[static_cast<size_t>(slot)];
  if (divisions > 1 && n > kMinBlock.value() * divisions) {
    if (std::has_single_bit(n)) return requested;
    const uint64_t power = uint64_t{1} << log2;
    const uint64_t step = power / divisions;
    if (step == 0) return Bytes(2 * power);
    return Bytes((n + step - 1) / step * step);
  }
  const uint64_t block = kMinBlock.value();
  return Bytes((n + block - 1) / block * block);
}

/// What the driver is asked for, for a block of `rounded` bytes. Source: get_allocation_size.
constexpr Bytes segment_size(Bytes rounded, Bytes large_segment = kLargeSegment) {
  if (rounded <= kSmallMax) return kSmallSegment;
  if (rounded < kMinLarge) return large_segment;
  const uint64_t step = kRoundLarge.value();
  return Bytes((rounded.value() + step - 1) / step * step);
}

/// The block size for a pinned host request: the next power of two. Requires: requested <= 2^63.
constexpr Bytes round_host_size(Bytes requested) { return Bytes(std::bit_ceil(requested.value())); }

}  // namespace unfrag::alloc
