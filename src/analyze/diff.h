// What changed from one run of a program to another: two recordings, or a recording and its replay under other
// settings. A side says what it is by values; where they come from is not known here.
//
// Each moment is a side's own: its peak is when most was allocated, its end is the state the snapshot shows. At each,
// the bytes of all holders are A's and B's allocated bytes: what grew, what shrank and what stayed add up.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analyze/holders.h"
#include "analyze/metric.h"
#include "trace/trace.h"

namespace unfrag::analyze {

struct DiffSide {
  std::string label;                    ///< A path, or what else to call it; unescaped.
  const trace::Trace* trace = nullptr;  ///< Of the frames and stacks of `holders`; outlives the Diff.
  Metrics metrics{};
  std::vector<Holder> holders{};  ///< By line: Holder::at_peak and Holder::now count.
  int device = 0;
  uint32_t events = 0;
  bool complete = false;  ///< The trace starts at the process's first allocation.
  bool allocated_is_lower_bound = false;
  std::vector<std::string> warnings{};

  [[nodiscard]] bool knows_peak() const { return at(metrics, Metric::kPeakAllocated).has_value(); }
};

/// One holder at one moment on both sides.
struct HolderChange {
  const Holder* in_a = nullptr;  ///< Null where A has no such place; of Diff::a.
  const Holder* in_b = nullptr;  ///< Likewise.
  bool moved = false;            ///< The line has another number in B, or its file lies in another folder.
  Held a;
  Held b;
  [[nodiscard]] int64_t change() const { return static_cast<int64_t>(b.bytes.value() - a.bytes.value()); }
};

struct MomentDiff {
  std::vector<HolderChange> grew;    ///< Most first.
  std::vector<HolderChange> shrank;  ///< Likewise.
  uint64_t same = 0;                 ///< Holders of as many bytes on both sides.
  Held same_a, same_b;               ///< Their sums; the numbers of blocks may differ.
  Held a, b;                         ///< Of all.
};

struct Diff {
  Diff(DiffSide side_a, DiffSide side_b) : a(std::move(side_a)), b(std::move(side_b)) {}
  Diff(const Diff&) = delete;
  Diff& operator=(const Diff&) = delete;
  Diff(Diff&&) = default;  // pointers into the vectors of `a` and `b` stay right
  Diff& operator=(Diff&&) = default;

  DiffSide a, b;
  std::optional<MomentDiff> peak;  ///< Nothing where a side does not know its peak.
  MomentDiff end;

  /// By how much B has more, less than 0 where it has less; nothing where one is not known.
  [[nodiscard]] std::optional<int64_t> change(Metric metric) const;
};

/// Holders are matched by place (code_match.h); in a function of which lines are left over on both sides, these are
/// matched in their order.
Diff compare(DiffSide a, DiffSide b);

}  // namespace unfrag::analyze
