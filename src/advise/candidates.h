// Which settings are worth a replay: each key on its own in a few sizes, and the combinations that people use.
// Threads: pure functions.
#pragma once

#include <vector>

#include "alloc/settings.h"

namespace unfrag::advise {

/// The first are the settings in force and the defaults; then one key, then two; none twice, only keys that `version`
/// has. What limits or sizes the process rather than places its blocks stays as it is in force.
/// `limited`: the process has a memory limit, without which the garbage collector does nothing.
std::vector<alloc::Settings> candidate_settings(const alloc::Settings& in_force, alloc::Version version, bool limited);

/// How many settings differ from the defaults, of those that place blocks.
int key_count(const alloc::Settings& settings);

}  // namespace unfrag::advise
