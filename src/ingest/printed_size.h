// Sizes as PyTorch prints them, found in squeezed text: "13.99GiB", "512bytes", "0bytes".
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "trace/message.h"

namespace unfrag::ingest {

/// Sizes from here on mean "unknown": the driver's "not available" is printed as 17179869184.00 GiB.
inline constexpr uint64_t kNoSize = uint64_t{1} << 61;

struct FoundSize {
  trace::Printed size;
  size_t begin = 0;  ///< [begin, end) in the text.
  size_t end = 0;
};

/// The size that begins at `begin`. With two decimals the true size is up to half a hundredth of the unit away; a
/// number of bytes is exact. KB, MB and GB count as powers of two too, which is what PyTorch means by them.
std::optional<FoundSize> size_at(std::string_view text, size_t begin);

/// The size that ends at `end`.
std::optional<FoundSize> size_before(std::string_view text, size_t end);

/// The plain number that begins at `begin`, if it has at most 18 digits.
std::optional<uint64_t> number_at(std::string_view text, size_t begin);

}  // namespace unfrag::ingest
