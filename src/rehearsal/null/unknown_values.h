// What a program reads of the device where nobody put real bytes: zeros, ones, or numbers at random, as the stage says.
//
// A copy to the host knows bytes and no types. PyTorch says the element type when it makes a tensor (torch_types.cpp),
// and it is kept for as long as its block lives; then integers are small, and floating-point numbers from 0 to 1.
// Memory of no known type, such as the count that nonzero() has a kernel write, reads as the integer 1 of 64 bits or
// fewer also at random: a size must never come out large, and that of x[mask] must be that of y[mask].
// Not thread-safe: DeviceMemory holds the lock.
#pragma once

#include <cstdint>
#include <map>

#include "rehearsal/null/stage.h"

namespace unfrag::null {

/// The numbers of c10::ScalarType, which have not changed; those without a name here are of no known type.
enum class ElementType : int8_t {
  kNone = -1,
  kUint8 = 0,
  kInt8 = 1,
  kInt16 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kFloat16 = 5,
  kFloat32 = 6,
  kFloat64 = 7,
  kComplex32 = 8,
  kComplex64 = 9,
  kComplex128 = 10,
  kBool = 11,
  kBfloat16 = 15,
  kFloat8E5m2 = 23,
  kFloat8E4m3 = 24,
  kUint16 = 27,
  kUint32 = 28,
  kUint64 = 29,
};

class UnknownValues {
 public:
  explicit UnknownValues(Values values) : values_(values) {}

  /// A block of `size` bytes of a tensor of `type` begins.
  void begin_block(uint64_t address, uint64_t size, ElementType type);
  void end_blocks(uint64_t address, uint64_t size);
  /// What is read at an address. The same reads in the same order read the same.
  void read(void* to, uint64_t address, uint64_t size);

 private:
  struct Block {
    uint64_t end = 0;
    ElementType type = ElementType::kNone;
  };
  /// One element, in the first bytes of the result.
  uint64_t element(ElementType type);
  uint64_t next_random();

  const Values values_;
  std::map<uint64_t, Block> blocks_;  // by begin; kept where values are not zeros
  uint64_t state_ = 0;
};

}  // namespace unfrag::null
