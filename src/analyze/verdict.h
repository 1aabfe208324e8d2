// Why a request failed, or what state the memory is in: the kinds of verdict, in the order in which they are tried.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace unfrag::analyze {

enum class VerdictKind : uint8_t {
  kLimit,
  kOutside,
  kGrowth,
  kCapacity,
  kStranded,
  kFragmentation,
  kCache,
  kHealthy,
  kUndecided
};

/// "limit", "outside", ...: the name in JSON and text.
std::string_view verdict_name(VerdictKind kind);

}  // namespace unfrag::analyze
