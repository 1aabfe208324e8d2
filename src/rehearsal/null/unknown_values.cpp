#include "rehearsal/null/unknown_values.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

namespace unfrag::null {
namespace {

/// How a floating-point number is laid out: what a one is follows from it.
struct Format {
  unsigned bytes = 0;
  unsigned fraction_bits = 0;  // 0: an integer
  unsigned bias = 0;           // of the exponent
};

/// Of a complex number that of its parts.
Format format_of(ElementType type) {
  switch (type) {
    case ElementType::kUint8:
    case ElementType::kInt8:
    case ElementType::kBool: return {.bytes = 1};
    case ElementType::kInt16:
    case ElementType::kUint16: return {.bytes = 2};
    case ElementType::kInt32:
    case ElementType::kUint32: return {.bytes = 4};
    case ElementType::kFloat16:
    case ElementType::kComplex32: return {.bytes = 2, .fraction_bits = 10, .bias = 15};
    case ElementType::kBfloat16: return {.bytes = 2, .fraction_bits = 7, .bias = 127};
    case ElementType::kFloat32:
    case ElementType::kComplex64: return {.bytes = 4, .fraction_bits = 23, .bias = 127};
    case ElementType::kFloat64:
    case ElementType::kComplex128: return {.bytes = 8, .fraction_bits = 52, .bias = 1023};
    case ElementType::kFloat8E5m2: return {.bytes = 1, .fraction_bits = 2, .bias = 15};
    case ElementType::kFloat8E4m3: return {.bytes = 1, .fraction_bits = 3, .bias = 7};
    case ElementType::kInt64:
    case ElementType::kUint64:
    case ElementType::kNone: break;
  }
  return {.bytes = 8};
}

constexpr uint64_t kMostAtRandom = 7;  // of an integer: an index or a size that is harmless

/// 0 <= value < 1, from as many random bits as the format can hold of them.
uint64_t fraction_of_one(const Format& format, uint64_t random) {
  const unsigned bits = format.fraction_bits + 1;
  const uint64_t value = random >> (64 - bits);
  if (value == 0) return 0;
  const auto top = static_cast<unsigned>(std::bit_width(value)) - 1;
  const uint64_t exponent = format.bias - bits + top;
  const uint64_t fraction = (value << (format.fraction_bits - top)) & ((uint64_t{1} << format.fraction_bits) - 1);
  return exponent << format.fraction_bits | fraction;
}

}  // namespace

void UnknownValues::begin_block(uint64_t address, uint64_t size, ElementType type) {
  if (values_ == Values::kZeros) return;
  end_blocks(address, size);
  if (type != ElementType::kNone) blocks_[address] = {.end = address + size, .type = type};
}

void UnknownValues::end_blocks(uint64_t address, uint64_t size) {
  auto block = blocks_.lower_bound(address);
  if (block != blocks_.begin() && std::prev(block)->second.end > address) --block;
  while (block != blocks_.end() && block->first < address + size) block = blocks_.erase(block);
}

void UnknownValues::read(void* to, uint64_t address, uint64_t size) {
  if (values_ == Values::kZeros) {
    std::memset(to, 0, size);
    return;
  }
  auto* place = static_cast<char*>(to);
  const uint64_t last = address + size;
  while (address < last) {
    const auto after = blocks_.upper_bound(address);
    const bool inside = after != blocks_.begin() && std::prev(after)->second.end > address;
    const uint64_t begin = inside ? std::prev(after)->first : address;
    const uint64_t next = inside ? std::prev(after)->second.end : after == blocks_.end() ? last : after->first;
    const ElementType type = inside ? std::prev(after)->second.type : ElementType::kNone;
    const Format format = format_of(type);
    const uint64_t end = std::min(next, last);
    while (address < end) {
      const uint64_t skipped = (address - begin) % format.bytes;
      const uint64_t value = element(type) >> (8 * skipped);
      const uint64_t bytes = std::min<uint64_t>(format.bytes - skipped, end - address);
      std::memcpy(place, &value, bytes);
      place += bytes;
      address += bytes;
    }
  }
}

uint64_t UnknownValues::element(ElementType type) {
  const Format format = format_of(type);
  if (type == ElementType::kNone) return 1;
  if (values_ == Values::kOnes) return format.fraction_bits == 0 ? 1 : uint64_t{format.bias} << format.fraction_bits;
  const uint64_t random = next_random();
  if (format.fraction_bits > 0) return fraction_of_one(format, random);
  return random & (type == ElementType::kBool ? 1 : kMostAtRandom);
}

// SplitMix64, from the same start in every process.
uint64_t UnknownValues::next_random() {
  uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

}  // namespace unfrag::null
