// What `unfrag explain` found: values only, for any report. Nothing here knows how it will be shown.
//
// Stacks and names are indices into the Trace, which copies of the Explanation share. Threads: values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analyze/blockers.h"
#include "analyze/growth.h"
#include "analyze/holders.h"
#include "analyze/kinds.h"
#include "analyze/usage.h"
#include "analyze/verdict.h"
#include "analyze/where.h"
#include "base/result.h"
#include "replay/replay.h"
#include "trace/trace.h"

namespace unfrag::analyze {

/// The moment a report is about.
struct Moment {
  enum Kind : uint8_t { kDefault, kEvent, kPeak, kOom, kEnd } kind = kDefault;
  uint32_t event = 0;  ///< With kEvent.
};

/// Sums as the snapshot shows them.
struct Now {
  Usage usage;
  uint64_t segments = 0;
};

struct DeviceFindings {
  trace::DeviceKind kind = trace::DeviceKind::kGpu;
  int index = 0;
  uint32_t events = 0;
  bool complete = false;  ///< The trace starts at the process's first allocation.
  Now now;
  UsageCurves curves;
  bool allocated_is_lower_bound = false;
  std::optional<replay::Settled> replayed;  ///< Where a replay is exact.
  std::vector<FailedRequest> ooms;
  std::vector<Verdict> oom_verdicts;    ///< Of the last kMostJudged of them, in order.
  bool wanted = false;                  ///< The verdict is of the request asked about.
  Verdict verdict;                      ///< Of the request asked about, else of the last OOM, else of the end.
  std::vector<Opening> openings;        ///< For the request the verdict is about, cheapest first.
  Emptying emptying;                    ///< Likewise.
  Moment::Kind at_kind = Moment::kEnd;  ///< Never kDefault.
  uint32_t at_entry = kNever;           ///< After this entry; kNever: as the snapshot shows it.
  Where where;                          ///< At that moment, as are `holes` and Holder::at.
  Fragmentation holes;
  Fragmentation fragmentation;  ///< As the snapshot shows it, unless a moment was asked for.
  std::vector<Holder> holders;
  KindUses kinds{};                       ///< Sums equal the allocated bytes, as those of `holders`.
  std::vector<PinnedSegment> pinned;      ///< At that moment.
  std::vector<PinnedSegment> pinned_now;  ///< As the snapshot shows it, unless a moment was asked for.
  Growth growth;                          ///< Until the last failed request, else of all entries.
  std::vector<std::string> warnings;
};

struct ExamineOptions {
  Moment at;
  Grouping grouping = Grouping::kLine;
  replay::ReadOptions read;   ///< Under what the recording was made.
  std::optional<Bytes> want;  ///< Bytes of a request that somebody might make.
  int64_t want_stream = 0;
  size_t timeline_points = 256;
};

/// Everything about one device. `roles`: of the trace, for all its devices.
/// Errors: kUsage where the moment asked for is not in the recording.
Result<DeviceFindings> examine(const trace::Trace& trace, const trace::Device& device, const UserCode& user_code,
                               StackRoles& roles, const ExamineOptions& options);

/// The memory at the moment that `findings` are about, found again. `read`: as examined.
/// Cost: that of the history, a pass over all entries; none where the moment is the snapshot's own.
MemoryState state_of(const trace::Trace& trace, const trace::Device& device, const DeviceFindings& findings,
                     const replay::ReadOptions& read);

/// The failed request that `findings.verdict` is about; null where it is about another or none.
const FailedRequest* judged_request(const DeviceFindings& findings);
/// The verdict of one of `findings.ooms`.
Verdict verdict_of(const DeviceFindings& findings, size_t oom);

struct Explanation {
  std::string path;
  uint64_t bytes = 0;  ///< Unpacked.
  std::shared_ptr<const trace::Trace> trace;
  std::shared_ptr<const UserCode> user_code;
  std::vector<DeviceFindings> devices;  ///< GPUs.
  std::vector<DeviceFindings> host;     ///< Pinned host memory: none or one.
  size_t chosen = 0;                    ///< Which of `devices` the report is about.
  Grouping grouping = Grouping::kLine;
};

}  // namespace unfrag::analyze
