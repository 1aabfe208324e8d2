// What differs between PyTorch releases, as named switches.
//
// The algorithms ask a switch, never a version number, so that a release nobody has recorded yet is one more row in
// rules_of. Source: recordings of 2.6.0, 2.9.1 and 2.15.0 and the changes between them (pull requests named below).
// Threads: values.
#pragma once

#include <compare>

namespace unfrag::alloc {

/// A PyTorch release.
struct Version {
  int major = 0;
  int minor = 0;
  auto operator<=>(const Version&) const = default;
};
inline constexpr Version kNewest{2, 15};

struct Rules {
  /// Among free blocks of one size the one from the oldest segment is taken, not the one with the lowest address
  /// (#183591; between 2.12 and 2.14 a recording has to tell).
  bool oldest_segment_first = false;
  /// MemPools that serve on out of memory are tried right after the first refusal of the driver, not last (2.11).
  bool overflow_pools_first = false;
  /// Inside use_mem_pool nothing is released on failure, empty_cache leaves the default pools alone and frees across
  /// streams wait, as in a capture (until 2.13: #175015, #159674).
  bool mem_pool_scope_is_capture = false;
  /// A memory fraction of 1 is a limit of the whole device, which turns the garbage collector on (until 2.12 or so).
  bool fraction_one_is_limit = false;
  /// In a list of roundup_power2_divisions `>` begins after the last slot listed, not at it (2.10 or later).
  bool divisions_rest_is_after = false;
};

constexpr Rules rules_of(Version version) {
  return {.oldest_segment_first = version >= Version{2, 13},
          .overflow_pools_first = version >= Version{2, 11},
          .mem_pool_scope_is_capture = version < Version{2, 13},
          .fraction_one_is_limit = version < Version{2, 10},
          .divisions_rest_is_after = version >= Version{2, 10}};
}

}  // namespace unfrag::alloc
