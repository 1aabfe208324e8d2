// The settings of a replay as a snapshot would list them. Threads: pure function.
#pragma once

#include "alloc/settings.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// Lists what places blocks, as a snapshot does, beside what `settings` lists already; its text stays.
void list_settings(trace::Settings& settings, const alloc::Settings& now);

/// The recording's own where `now` is what it was recorded under; else with another text and other values, and all that
/// has no say in where a block goes as it was.
trace::Settings settings_in_force(const trace::Trace& recorded, const alloc::Settings& now);

}  // namespace unfrag::replay
