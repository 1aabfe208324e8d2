// The words of the reconstruction in `replay` (lives, moments, runs), which the analyses use without a prefix.
#pragma once

#include "replay/history.h"
#include "replay/segment_sizes.h"

namespace unfrag::analyze {

using replay::active_at;
using replay::allocated_at;
using replay::build_history;
using replay::final_segments;
using replay::History;
using replay::is_segment_action;
using replay::kBefore;
using replay::kNever;
using replay::kNoLife;
using replay::Life;
using replay::max_slack;
using replay::page_size;
using replay::play_backward;
using replay::play_forward;
using replay::Run;
using replay::SegmentMap;
using replay::started_by;

}  // namespace unfrag::analyze
