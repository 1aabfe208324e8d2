// Where an axis of a picture has its ticks, and what stands beside them. Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "base/strong.h"

namespace unfrag::report {

/// The distance of ticks from 0 to `full` so that there are at most `most` beyond 0: a power of two, at least 1.
Bytes size_step(Bytes full, uint64_t most);
/// The same for counts: 1, 2 or 5 times a power of ten.
uint64_t count_step(uint64_t full, uint64_t most);
/// "1.5 GiB", "512 MiB", "0".
std::string size_tick(Bytes bytes);

}  // namespace unfrag::report
