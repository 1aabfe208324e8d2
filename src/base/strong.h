// Strong types for everything countable: bytes, addresses and indices never mix by accident.
//
// What it is not: a units library. A type gets arithmetic only where the operation has a meaning.
// Sums of sizes that come from a file wrap modulo 2^64 (defined behaviour, no trap); the reader refuses
// single sizes of 2^48 and more, so that only a file made to do so can get there.
// Threads: values, safe.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

namespace unfrag {

/// An index into one kind of table. `Tag` keeps indices of different tables apart.
template <class Tag>
class Index {
 public:
  constexpr Index() = default;
  constexpr explicit Index(uint32_t value) : value_(value) {}
  [[nodiscard]] constexpr uint32_t value() const { return value_; }
  constexpr auto operator<=>(const Index&) const = default;

  /// The index that names nothing.
  static constexpr Index none() { return Index(std::numeric_limits<uint32_t>::max()); }
  [[nodiscard]] constexpr bool is_none() const { return *this == none(); }

 private:
  uint32_t value_ = std::numeric_limits<uint32_t>::max();
};

/// A number of bytes, never negative.
class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr explicit Bytes(uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr uint64_t value() const { return value_; }
  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes& operator+=(Bytes other) {
    value_ += other.value_;
    return *this;
  }
  constexpr Bytes& operator-=(Bytes other) {
    value_ -= other.value_;
    return *this;
  }
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return a += b; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return a -= b; }

 private:
  uint64_t value_ = 0;
};

/// A device (or pinned host) address; only arithmetic is ever done on it.
class Address {
 public:
  constexpr Address() = default;
  constexpr explicit Address(uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr uint64_t value() const { return value_; }
  constexpr auto operator<=>(const Address&) const = default;
  friend constexpr Address operator+(Address a, Bytes b) { return Address(a.value_ + b.value()); }
  friend constexpr Bytes operator-(Address a, Address b) { return Bytes(a.value_ - b.value_); }

 private:
  uint64_t value_ = 0;
};

constexpr Bytes operator""_B(unsigned long long n) { return Bytes(n); }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes(n << 10); }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes(n << 20); }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes(n << 30); }

/// `a - b`, or nothing at all where b is larger: for figures that a contradictory file can turn round.
constexpr Bytes minus_or_zero(Bytes a, Bytes b) { return a > b ? a - b : Bytes(); }

}  // namespace unfrag

template <class Tag>
struct std::hash<unfrag::Index<Tag>> {
  size_t operator()(unfrag::Index<Tag> index) const noexcept { return index.value(); }
};
