// Sizes that settings change and snapshots do not list among their values. Threads: pure functions.
#pragma once

#include "base/strong.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// The pages of an expandable segment of this pool, and what plain segments for mid-size blocks have.
/// Source: CUDACachingAllocator.cpp, ExpandableSegment and get_allocation_size.
Bytes page_size(const trace::Settings& settings, trace::PoolKind kind);

/// What a block may be too large for a request of max_split_size or more (max_non_split_rounding_mb).
/// Source: CUDACachingAllocator.cpp, get_free_block.
Bytes max_slack(const trace::Settings& settings);

}  // namespace unfrag::replay
