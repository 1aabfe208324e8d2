// The verdict: why a request failed or would fail, or what there is to say of a state where none did.
//
// For a request: *may* is what the process may have, *need* the active bytes plus the rounded request, *spare* their
// difference. The kinds are tried in the order of VerdictKind; the first that holds is the kind, the others that hold
// are told as well. docs/guide/verdicts.md defines them for users. Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "analyze/allowance.h"
#include "analyze/request.h"
#include "analyze/state.h"
#include "analyze/where.h"
#include "base/strong.h"

namespace unfrag::analyze {

enum class VerdictKind : uint8_t {
  kLimit,          ///< The device had room; a fraction or limit refused.
  kOutside,        ///< Without the memory that is not PyTorch's the request would have been served.
  kGrowth,         ///< Lines that hold more with each iteration took what was missing.
  kCapacity,       ///< Even a layout without holes would be full.
  kStranded,       ///< Enough is free, but in another stream's or private pool, or behind pending events.
  kFragmentation,  ///< Bytes enough, no hole that is.
  kCache,          ///< Nothing failed; much is kept that empty_cache would return.
  kHealthy,        ///< Nothing failed, or the request would be served.
  kUndecided,      ///< A figure is missing.
};
/// "limit", "outside", ...
std::string_view verdict_name(VerdictKind kind);

/// Spare below this share of `may` is no room worth having: capacity.
inline constexpr uint64_t kCapacityPercent = 5;
/// Free memory is worth a word above this share of reserved and this size: cache, fragmentation.
inline constexpr uint64_t kFreePercent = 10;
inline constexpr Bytes kFreeBytes = 64_MiB;
/// Less to spare than this is capacity.
Bytes capacity_below(Bytes may);

/// How a request that would not fail is served.
enum class Served : uint8_t { kNot, kFromHole, kFromDriver, kAfterRelease };

/// Why there is no verdict.
enum class Doubt : uint8_t {
  kNone,
  kNoCapacity,       ///< How much the process may have is unknown.
  kHoleThatServes,   ///< A free block would have served it: the recording does not fit what happened.
  kContradiction,    ///< The file contradicts itself by more than the verdict's margin.
  kTooManyRequests,  ///< Only the last of very many failed requests are judged.
};

/// The figures behind a verdict; nothing where it does not rest on them. `spare` is negative where too little.
struct Evidence {
  std::optional<Request> request{};
  Allowance allowance{};
  std::optional<Bytes> need{};
  std::optional<int64_t> spare{};
  Bytes reserved{};
  Bytes active{};
  std::optional<Room> room{};  ///< With a request.
  Bytes asked{};               ///< With a request: of the driver, see asked_of_driver.
  Bytes free_segments{};
  Bytes free_in_segments{};
  Bytes releasable{};
  Bytes rise{};                      ///< What growing lines hold more than at their first iteration.
  bool served_without_rise = false;  ///< See without_growth.h.
};

struct Verdict {
  VerdictKind kind = VerdictKind::kUndecided;
  std::vector<VerdictKind> also;  ///< In the order of VerdictKind.
  Served served = Served::kNot;
  Doubt doubt = Doubt::kNone;
  Evidence evidence;
};

/// Everything a verdict looks at, of one moment.
struct Situation {
  const MemoryState& state;
  const Where& where;
  const Fragmentation& holes;
  Bytes rise{};                      ///< 0: nothing grows.
  bool served_without_rise = false;  ///< See without_growth.h.
};

/// Of a request that failed.
Verdict judge_failed(const Situation& situation, const Request& request, const Allowance& allowance);
/// Of a request that somebody might make.
Verdict judge_wanted(const Situation& situation, const Request& request, const Allowance& allowance);
/// Of a state where nothing failed.
Verdict judge_state(const Situation& situation);

}  // namespace unfrag::analyze
