#include "replay/curves.h"

#include <algorithm>

namespace unfrag::replay {

std::vector<CurvePoint> draw_curves(const Program& program, const Conditions& conditions, size_t points) {
  const uint64_t most = std::max<size_t>(points, 1);
  const uint64_t stretch = std::max<uint64_t>(1, (program.entries + most - 1) / most);
  Runner runner(program, conditions, nullptr);
  std::vector<CurvePoint> curve;
  curve.reserve(std::min<uint64_t>(program.ops.size(), most));
  for (const Op& op : program.ops) {
    runner.step(op);
    if (curve.empty() || curve.back().entry / stretch != op.entry / stretch) curve.push_back({});
    const alloc::Statistics& now = runner.policy().statistics();
    CurvePoint& point = curve.back();
    point.entry = op.entry;
    point.allocated = std::max(point.allocated, now.allocated.current);
    point.active = std::max(point.active, now.active.current);
    point.requested = std::max(point.requested, now.requested.current);
    point.reserved = std::max(point.reserved, now.reserved.current);
  }
  return curve;
}

}  // namespace unfrag::replay
