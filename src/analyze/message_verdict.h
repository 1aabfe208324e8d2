// What follows from the figures of an out-of-memory message or a memory_summary table, by arithmetic alone, and what
// is missing where nothing does. It knows no Trace: growth, other streams and holders are not in a message.
//
//   may  = reserved + free at the driver, at most the limit      what the process may have
//   need = allocated + request                                   what it holds and wants
//   spare = may - need
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyze/verdict.h"
#include "base/strong.h"
#include "trace/message.h"

namespace unfrag::analyze {

/// Memory that belongs to no process named and is no more than this is taken for the driver's own.
inline constexpr Bytes kDriverShare = 256_MiB;
/// A sum of printed figures in bytes, may be negative; the true one lies in [low, high].
struct Amount {
  int64_t value = 0;
  int64_t low = 0;
  int64_t high = 0;
};
using AmountOrNot = std::optional<Amount>;

/// Why there is no verdict.
enum class Unknown : uint8_t {
  kNothing,          ///< There is one.
  kNoFigures,        ///< The error comes without any.
  kMissing,          ///< A figure that the rules need is not in the text.
  kRefusedWithRoom,  ///< The driver reports more free than it was asked for, and no limit is named.
  kPoolsNeeded,      ///< Enough only with the private pools' free bytes.
};

/// The sizes of tensor that make PyTorch ask the driver for what the message says: (more_than, at_most].
struct TensorSize {
  Bytes more_than;
  Bytes at_most;
  bool is_driver_request = true;  ///< False: no rounding of PyTorch's shows, so the program asked for just that.
};

struct MessageFindings {
  VerdictKind kind = VerdictKind::kUndecided;
  std::vector<VerdictKind> also;
  Unknown unknown = Unknown::kNothing;
  bool borderline = false;  ///< Whether rounding in the text could have made it another kind than `capacity` or not.
  std::optional<TensorSize> tensor;
  AmountOrNot allocated;    ///< Without the private pools' free blocks.
  AmountOrNot unallocated;  ///< Free in segments, without those of private pools.
  AmountOrNot reserved;
  AmountOrNot room;  ///< What the driver or the limit would still have given.
  AmountOrNot may, need, spare;
  AmountOrNot own;                  ///< This process's use of the device, PyTorch's and all else.
  std::optional<uint64_t> own_pid;  ///< Where that is the use of a process named by number, which only fits this one.
  AmountOrNot named;                ///< What other processes use that the message names.
  AmountOrNot unlisted;             ///< Used by nobody named, beyond kDriverShare or kContextAllowance.
};

MessageFindings judge(const trace::OomMessage& message);

struct SummaryFindings {
  VerdictKind kind = VerdictKind::kUndecided;  ///< kCache, kFragmentation, kHealthy or kUndecided.
  std::vector<VerdictKind> also;
  AmountOrNot free;        ///< Reserved, not active.
  AmountOrNot releasable;  ///< Of that, in wholly free segments: what empty_cache returns.
  AmountOrNot holes;       ///< Of that, beside blocks in use.
  AmountOrNot rounding;    ///< Active, not requested.
  AmountOrNot pending;     ///< Active, not allocated: waits for other streams.
};

SummaryFindings judge(const trace::MemorySummary& summary);

/// What `unfrag explain --message` found: values only, for any report.
struct MessageExplanation {
  std::string path;
  uint64_t bytes = 0;    ///< Of the text.
  uint64_t skipped = 0;  ///< Of those at its beginning, not looked at.
  trace::MessageFacts facts;
  std::optional<MessageFindings> findings;    ///< Of `facts.message`.
  std::optional<SummaryFindings> on_summary;  ///< Of `facts.summary`.

  /// The message's verdict, and where there is no message the table's.
  [[nodiscard]] VerdictKind kind() const { return findings ? findings->kind : on_summary->kind; }
  [[nodiscard]] const std::vector<VerdictKind>& also() const { return findings ? findings->also : on_summary->also; }
};

}  // namespace unfrag::analyze
