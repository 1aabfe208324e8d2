// The processes of a rehearsal that used the device: which there were, and what they need together.
//
//   process A  |---- 3 GiB ----|                    on each device, at each moment: a sum of what is held,
//   process B          |--- 2 GiB ---|  ?...        and how many hold it, each with a CUDA context
//
// A process holds what it has until it ends; where nobody knows when that was, to the end of the rehearsal.
// Threads: pure functions but for the files they read.
#pragma once

#include <string>
#include <vector>

#include "base/strong.h"
#include "ingest/log_summary.h"
#include "report/rehearsal.h"

namespace unfrag::app {

struct Process {
  std::string path;  ///< Of its log.
  ingest::LogSummary summary;
};

/// What a device must have beside what is replayed: where other processes use it with the one with the highest peak or
/// without it, and where that one uses another device.
struct NeedOfOthers {
  std::vector<Bytes> reserved;  ///< The most while so many processes use a device, by their number.

  void add(Bytes of_one_process);
  [[nodiscard]] bool any() const { return !reserved.empty(); }
  [[nodiscard]] Bytes with_contexts(Bytes context) const;
};

/// Those that used the device, the highest peak first. What the others counted counts too; a log that is not whole is
/// told, and takes no other with it. Fills in `processes`, `incomplete`, the counters and, after a
/// `signal`, what was going on.
std::vector<Process> find_processes(const std::vector<std::string>& logs, report::Rehearsal& rehearsal);

/// Fills in `together`. Requires: `processes` as find_processes has them.
NeedOfOthers add_up(const std::vector<Process>& processes, report::Rehearsal& rehearsal);

}  // namespace unfrag::app
