// A bound that a recording must keep to, absolute or relative to another: "peak_reserved>+5%" holds while B reserves at
// most 5 % more than A.
//
//   METRIC > [+|-] NUMBER [% | UNIT]     the METRICs of metric.h, with or without "_bytes"
//
// With a sign the bound is relative to A, and only then may it be in percent. Arithmetic is exact.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyze/metric.h"
#include "base/result.h"

namespace unfrag::analyze {

struct Gate {
  enum class Bound : uint8_t { kAbsolute, kMoreThanA, kPercentOfA };
  std::string expression;  ///< As typed, without spaces around it.
  Metric metric = Metric::kPeakReserved;
  Bound bound = Bound::kAbsolute;
  int64_t amount = 0;  ///< Bytes, a count, or millionths of a percent.
};

struct GateOutcome {
  Gate gate;
  std::optional<uint64_t> a;
  uint64_t b = 0;
  int64_t limit = 0;  ///< The most that B may have.
  bool holds = true;
};

/// Errors: kUsage.
Result<Gate> parse_gate(std::string_view expression);

/// Errors: kBadInput where the metric is unknown in B, or in A and the bound is relative.
Result<GateOutcome> check_gate(const Gate& gate, const Metrics& a, const Metrics& b);

}  // namespace unfrag::analyze
