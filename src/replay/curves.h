// How much memory a replay uses over time. Threads: pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/strong.h"
#include "replay/runner.h"

namespace unfrag::replay {

/// PyTorch's four sums, the highest of each within one stretch of the recording.
struct CurvePoint {
  uint32_t entry = 0;  ///< Of the recording: the last one of the stretch at which the program did something.
  Bytes allocated{};
  Bytes active{};
  Bytes requested{};
  Bytes reserved{};
};

/// At most `points` stretches of equal length, one an entry where that is enough.
/// Cost: one run of the program.
std::vector<CurvePoint> draw_curves(const Program& program, const Conditions& conditions, size_t points);

}  // namespace unfrag::replay
