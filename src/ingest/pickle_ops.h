// The opcodes of pickle protocols 0 to 5, named as in CPython's pickletools, and their little-endian arguments.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace unfrag::ingest::op {

// clang-format off
enum Op : unsigned char {
  kMark = '(', kStop = '.', kPop = '0', kPopMark = '1', kDup = '2', kFloat = 'F', kInt = 'I', kBinInt = 'J',
  kBinInt1 = 'K', kLong = 'L', kBinInt2 = 'M', kNone = 'N', kPersId = 'P', kBinPersId = 'Q', kReduce = 'R',
  kString = 'S', kBinString = 'T', kShortBinString = 'U', kUnicode = 'V', kBinUnicode = 'X', kAppend = 'a',
  kBuild = 'b', kGlobal = 'c', kDict = 'd', kAppends = 'e', kGet = 'g', kBinGet = 'h', kInst = 'i',
  kLongBinGet = 'j', kList = 'l', kObj = 'o', kPut = 'p', kBinPut = 'q', kLongBinPut = 'r', kSetItem = 's',
  kTuple = 't', kSetItems = 'u', kBinFloat = 'G', kEmptyList = ']', kEmptyTuple = ')', kEmptyDict = '}',
  kProto = 0x80, kNewObj = 0x81, kExt1 = 0x82, kExt2 = 0x83, kExt4 = 0x84, kTuple1 = 0x85, kTuple2 = 0x86,
  kTuple3 = 0x87, kNewTrue = 0x88, kNewFalse = 0x89, kLong1 = 0x8a, kLong4 = 0x8b, kBinBytes = 'B',
  kShortBinBytes = 'C', kShortBinUnicode = 0x8c, kBinUnicode8 = 0x8d, kBinBytes8 = 0x8e, kEmptySet = 0x8f,
  kAddItems = 0x90, kFrozenSet = 0x91, kNewObjEx = 0x92, kStackGlobal = 0x93, kMemoize = 0x94, kFrame = 0x95,
  kByteArray8 = 0x96, kNextBuffer = 0x97, kReadonlyBuffer = 0x98,
};
// clang-format on

/// A little-endian integer.
template <class T>
T load(const unsigned char* at) {
  static_assert(std::endian::native == std::endian::little, "pickle is little-endian, and so is all that runs CUDA");
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// The two's complement integer of `length` bytes at `at`. Requires: length <= 8, and 8 readable bytes.
inline int64_t load_long(const unsigned char* at, size_t length) {
  if (length == 0) return 0;
  const size_t shift = 64 - 8 * length;
  return static_cast<int64_t>(load<uint64_t>(at) << shift) >> shift;
}

}  // namespace unfrag::ingest::op
