// A request, and which free memory could serve it at one moment.
//
// Source of the rules: PyTorch c10/cuda/CUDACachingAllocator.cpp, get_free_block (stream, pool and oversize rules) and
// alloc_block; what is said here of one moment a replay says of all. Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "analyze/state.h"
#include "base/strong.h"
#include "trace/trace.h"

namespace unfrag::analyze {

struct Request {
  Bytes rounded{};  ///< The block it needs.
  Bytes driver{};   ///< What PyTorch would ask the driver for, with nothing free to begin with.
  int64_t stream = 0;
  trace::PoolId pool{};
  trace::PoolKind kind = trace::PoolKind::kLarge;
  Bytes segment{};  ///< The plain segment for it: what a limit is tested with, also where pages would be mapped.
  Bytes page{};     ///< Of expandable segments, in which new memory would come; 0: in plain ones.
  std::optional<Bytes> max_split_size{};  ///< As set; nothing: blocks of any size are split.
  Bytes max_slack{};                      ///< With max_split_size: what an oversize block may be too large.
};

/// `expandable_seen`: whether new memory comes in expandable segments where the settings were not recorded.
Request make_request(Bytes rounded, int64_t stream, trace::PoolId pool, const trace::Settings& settings,
                     bool expandable_seen = false);

/// Whether any segment of the state is expandable.
bool any_expandable(const MemoryState& state);

/// Whether a run's stream and pool are the request's. Expandable ones are passed over where the setting is off.
bool may_use(const Run& run, const Request& request);

/// Whether a free block of `hole` bytes would be taken for it.
bool serves(Bytes hole, const Request& request);

/// Free memory as the request sees it.
struct Room {
  Bytes usable_free{};         ///< Free in segments it may use.
  Bytes usable_hole{};         ///< The largest free block there.
  bool served = false;         ///< One of them serves it.
  Bytes pending{};             ///< There, in blocks that wait for other streams.
  Bytes hole_after_pending{};  ///< The largest hole there once those are free.
  bool served_after_pending = false;
  Bytes elsewhere_free{};  ///< Free in segments of other streams and pools.
  Bytes elsewhere_hole{};  ///< The largest free block there.
  Bytes tail{};            ///< The largest hole at the end of an expandable run it may use: pages can follow it.
};

Room measure_room(const MemoryState& state, const Request& request);

/// What serving the request takes of the driver: a segment, or the pages that are missing behind the tail.
Bytes asked_of_driver(const Request& request, const Room& room);

}  // namespace unfrag::analyze
