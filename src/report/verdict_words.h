// What proves a verdict and what stands in the way of its request, for any report. Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analyze/explanation.h"

namespace unfrag::report {

/// A request failed, or would.
bool is_alarm(const analyze::DeviceFindings& findings);

/// "capacity, stranded": the kinds that hold besides.
std::string also_text(const analyze::Verdict& verdict);

struct EvidenceRow {
  std::string_view name;
  std::string amount;
  std::string why;
};
/// May have, needs, spare; nothing where the verdict is about no request.
std::vector<EvidenceRow> evidence_rows(const analyze::DeviceFindings& findings);

/// Blocks that a line of the program made.
struct MadeHere {
  std::string place;
  Bytes bytes{};
  uint64_t blocks = 0;
};
/// Something that would let the request through, and the blocks to free for it, most bytes first.
struct WayOut {
  std::string sentence;
  std::vector<MadeHere> places{};
};
/// Nothing where nothing failed, or it is not known what would help. Else the cheapest way of each kind.
std::vector<WayOut> ways_out(const analyze::Explanation& explanation, const analyze::DeviceFindings& findings);
/// "What stands in the way of 400.00 MiB". Requires: ways_out.
std::string ways_out_title(const analyze::DeviceFindings& findings);

}  // namespace unfrag::report
