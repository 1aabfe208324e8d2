// One value of a snapshot while it is being read: 8 bytes, a kind and a payload.
//
// Small integers are held inside; everything else is an index into NodeStore or the Trace being built. A frame, a
// stack, an event or a block is recognised as soon as its dict or list is complete and from then on is a row of
// a Trace table and no longer a container: that is what keeps the reader near the size of the Trace.
#pragma once

#include <cstdint>

namespace unfrag::ingest {

enum class Kind : uint8_t {
  kNone,
  kBool,         ///< payload 0 or 1
  kInt,          ///< 56-bit signed
  kWide,         ///< index of a 64-bit integer in NodeStore, times 2, plus 1 where it is negative
  kReal,         ///< index of a double in NodeStore
  kUnreadable,   ///< an integer beyond 64 bits: kept as "there was something"
  kText,         ///< StringIdx
  kPair,         ///< two integers of 28 bits: pool ids
  kFrame,        ///< FrameIdx
  kStack,        ///< StackIdx
  kEvents,       ///< rows of the event table: first (32 bits), count (24 bits)
  kBlocks,       ///< rows of the block table, likewise
  kAnnotations,  ///< rows of the annotation table, likewise
  kObject,       ///< a list, tuple, set or dict in NodeStore
  kGlobal,       ///< pickle only: an allowed constructor
  kFreshList,  ///< pickle only: an empty list nobody but the stack (and the memo) knows; payload = memo index + 1 or 0
  kFreshDict,  ///< likewise
};

class Value {
 public:
  static constexpr int kPayloadBits = 56;
  static constexpr uint64_t kPayloadMask = (uint64_t{1} << kPayloadBits) - 1;
  static constexpr int64_t kSmallestInt = -(int64_t{1} << 55);
  static constexpr int64_t kLargestInt = (int64_t{1} << 55) - 1;
  static constexpr uint32_t kLongestRun = (uint32_t{1} << 24) - 1;

  constexpr Value() = default;
  constexpr Value(Kind kind, uint64_t payload)
      : bits_(uint64_t{static_cast<uint8_t>(kind)} << kPayloadBits | (payload & kPayloadMask)) {}
  static constexpr Value run(Kind kind, uint32_t first, uint32_t count) {
    return {kind, uint64_t{first} << 24 | count};
  }

  [[nodiscard]] constexpr Kind kind() const { return static_cast<Kind>(bits_ >> kPayloadBits); }
  [[nodiscard]] constexpr uint64_t payload() const { return bits_ & kPayloadMask; }
  [[nodiscard]] constexpr uint32_t index() const { return static_cast<uint32_t>(bits_); }
  /// Requires: kind() is kInt.
  [[nodiscard]] constexpr int64_t small_int() const {
    return static_cast<int64_t>(bits_ << (64 - kPayloadBits)) >> (64 - kPayloadBits);
  }
  [[nodiscard]] constexpr uint32_t run_first() const { return static_cast<uint32_t>(payload() >> 24); }
  [[nodiscard]] constexpr uint32_t run_count() const { return static_cast<uint32_t>(bits_ & kLongestRun); }
  [[nodiscard]] constexpr bool is_run() const {
    return kind() == Kind::kEvents || kind() == Kind::kBlocks || kind() == Kind::kAnnotations;
  }
  constexpr bool operator==(const Value&) const = default;

 private:
  uint64_t bits_ = 0;
};

}  // namespace unfrag::ingest
