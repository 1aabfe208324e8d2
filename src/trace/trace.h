// A Trace: the complete, immutable, columnar record of what an allocator did and of the state it left.
//
// One table of events for all devices (a device owns a range of rows), one of blocks and one of segments as they
// were when the snapshot was taken, and tables of strings, frames and stacks, each thing stored once. It keeps
// every fact of the file that an analysis could need; it computes nothing: what follows from the facts is in
// `analyze`. Build one with TraceBuilder; a replay will produce the same type.
//
//   events  e0 e1 e2 ... | device 1: e k ...        segments  s0 s1 ...   blocks  b0 b1 | b2 | b3 b4 ...
//           `- device 0 -'                                    `-- each owns a range of blocks, in address order
//
// Memory: 33 bytes an event (25 where the file records no times), stacks apart.
// Threads: safe to share once built. Traces share no mutable state.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/chunked.h"
#include "base/strong.h"
#include "trace/text_table.h"

namespace unfrag::trace {

using EventIdx = Index<struct EventTag>;      ///< Row of the event table (all devices).
using BlockIdx = Index<struct BlockTag>;      ///< Row of the block table.
using SegmentIdx = Index<struct SegmentTag>;  ///< Row of the segment table.
using ContextIdx = Index<struct ContextTag>;

/// What a trace entry says happened. Source: PyTorch c10/cuda/CUDACachingAllocator.h, TraceEntry::Action.
enum class Action : uint8_t {
  kAlloc,          ///< A block was handed out. size = the requested bytes, not the block's.
  kFreeRequested,  ///< The program gave it back; it may still wait for other streams.
  kFreeCompleted,  ///< The block can be used again.
  kSegmentAlloc,   ///< Memory obtained from the driver (cudaMalloc).
  kSegmentFree,    ///< ... and returned.
  kSegmentMap,     ///< Pages mapped into an expandable segment.
  kSegmentUnmap,   ///< ... and unmapped.
  kOom,            ///< A request failed. size = the rounded request; `addr` holds the driver's free bytes.
  kSnapshot,       ///< An earlier snapshot call. size = active bytes then.
  kAnnotate,       ///< A note attached to a live allocation (2.14 on).
  kUserDefined,    ///< Nightlies of 2024 only.
  kUnknown,        ///< An action this reader does not know; a warning names it.
};
[[nodiscard]] std::string_view action_name(Action action);

/// Which private pool; {0,0} is the default pool. Graph pools are {k,0}, MemPools {0,k}.
struct PoolId {
  uint64_t first = 0;
  uint64_t second = 0;
  auto operator<=>(const PoolId&) const = default;
  [[nodiscard]] bool is_default() const { return first == 0 && second == 0; }
};

/// What neighbouring events have in common; interned, so that an event needs one index for all of it.
struct EventContext {
  int64_t stream = 0;  ///< Raw stream handle; 0 is the legacy default stream.
  PoolId pool;         ///< Valid only if has_pool (2.12 on).
  bool has_pool = false;
  StringIdx compile_context = kEmptyString;    ///< 2.8 on.
  StringIdx user_metadata = kEmptyString;      ///< 2.10 on.
  StringIdx internal_metadata = kEmptyString;  ///< 2.14 on.
  StringIdx category = kEmptyString;           ///< Files made from a profile only.
  StackIdx forward_stack = kEmptyStack;        ///< Lines of the autograd forward node, as text frames (2.10 on).
  bool operator==(const EventContext&) const = default;
};

/// An out-of-memory entry that does not say what the driver had left.
inline constexpr uint64_t kNoDeviceFree = std::numeric_limits<uint64_t>::max();
inline constexpr int64_t kNoTime = std::numeric_limits<int64_t>::min();

/// Columns of the event table. Shape: all of the same length, but `time_us`, which is empty where no event of the
/// file has a time. Units: bytes; microseconds since the Unix epoch as recorded (not always monotonic).
struct EventTable {
  Chunked<Action> action;
  Chunked<uint64_t> addr;  ///< Address; for kOom the device's free bytes, or kNoDeviceFree.
  Chunked<uint64_t> size;
  Chunked<int64_t> time_us;
  Chunked<StackIdx> stack;  ///< kEmptyStack where none was stored.
  Chunked<ContextIdx> context;

  [[nodiscard]] size_t size_rows() const { return action.size(); }
  [[nodiscard]] size_t heap_bytes() const;
};

enum class BlockState : uint8_t { kAllocated, kPendingFree, kInactive };

/// Columns of the block table.
struct BlockTable {
  Chunked<uint64_t> addr;
  Chunked<uint64_t> size;       ///< Block bytes (rounded, with slack that was not split off).
  Chunked<uint64_t> requested;  ///< The caller's bytes; meaningless for inactive blocks, = size where not recorded.
  Chunked<BlockState> state;
  Chunked<StackIdx> stack;
  Chunked<StackIdx> forward_stack;
  Chunked<StringIdx> user_metadata;

  [[nodiscard]] size_t size_rows() const { return addr.size(); }
};

/// Small or large pool: which sizes a segment serves. Host memory has neither.
enum class PoolKind : uint8_t { kSmall, kLarge, kUnknown };

/// One run of memory obtained from the driver, as it was when the snapshot was taken. For an expandable segment a
/// run of mapped pages: one reservation can show several.
struct Segment {
  Address addr;
  Bytes total;
  Bytes recorded_allocated;  ///< The file's own sums, to check against the blocks.
  Bytes recorded_active;
  Bytes recorded_requested;
  bool has_recorded_sums = false;       ///< recorded_allocated and recorded_active were in the file
  bool has_recorded_requested = false;  ///< recorded_requested was (2.1 on)
  int64_t stream = 0;
  PoolKind kind = PoolKind::kUnknown;
  PoolId pool;
  bool expandable = false;
  StackIdx stack = kEmptyStack;  ///< Empty once the segment was ever split.
  uint32_t first_block = 0;
  uint32_t block_count = 0;
};

enum class DeviceKind : uint8_t { kGpu, kHost };

struct Device {
  DeviceKind kind = DeviceKind::kGpu;
  int index = 0;  ///< Ordinal in the recorded process; 0 for the host.
  uint32_t first_event = 0;
  uint32_t event_count = 0;
  uint32_t first_segment = 0;  ///< Segments in address order.
  uint32_t segment_count = 0;
};

enum class Stage : uint8_t { kStart, kEnd, kOther };
/// A user scope (`record_function`, optimizer steps, profiler steps) began or ended.
struct Annotation {
  StringIdx name;
  Stage stage = Stage::kOther;
  int device = 0;
  int64_t time_us = kNoTime;
};

/// Allocator settings in force when the snapshot was taken; absent where the file does not say.
struct Settings {
  std::optional<std::string> conf;  ///< The raw string last parsed.
  /// Logs of rehearsals only: what was parsed before the first entry. Then Trace::changes has what came later.
  std::optional<std::string> conf_at_start;
  std::optional<Bytes> max_split_size;  ///< Nothing: unlimited, or not recorded.
  std::optional<double> garbage_collection_threshold;
  std::optional<bool> expandable_segments;
  /// Divisions for sizes [2^i MiB, 2^(i+1) MiB), slot 0 from nothing, slot 15 without end. 0 and 1 mean off.
  std::array<uint32_t, 16> roundup_power2_divisions{};
  bool overflowed = false;  ///< The file says that the ring buffer dropped entries.
  /// Every setting of the file in its order, known or not: its name and its value as JSON, escaped and cut to 4 KiB.
  std::vector<std::pair<std::string, std::string>> all;
  [[nodiscard]] bool recorded() const { return !all.empty(); }
};

/// The oldest PyTorch release that could have written the file, from the keys it has ("2.9"); empty if unknown.
struct Dialect {
  int major = 0;
  int minor = 0;
  auto operator<=>(const Dialect&) const = default;
  [[nodiscard]] bool known() const { return major != 0; }
};

/// What a program told its allocator while it ran. No snapshot says so: only logs of rehearsals do.
struct Change {
  int device = 0;
  uint32_t entry = 0;                       ///< Of the device, counted from 0: the first after it.
  std::optional<double> memory_fraction{};  ///< It set this (set_per_process_memory_fraction), else
  std::string conf{};                       ///< ... had this parsed (_set_allocator_settings).
};

struct Trace {
  TextTable strings;
  FrameTable frames;
  StackTable stacks;
  RowTable<EventContext, ContextIdx> contexts;
  EventTable events;
  BlockTable blocks;
  std::vector<Segment> segments;
  std::vector<Device> devices;  ///< GPUs by ordinal (those that have anything), then the host if recorded.
  std::vector<Annotation> annotations;
  Settings settings;
  std::vector<Change> changes;  ///< In order of their entries, for each device.
  Dialect dialect;
  bool truncated = false;             ///< The file was cut or damaged: this is what precedes the damage.
  std::vector<std::string> warnings;  ///< What the reader noticed, in words; escaped, safe to print.

  [[nodiscard]] const EventContext& context_of(size_t event) const { return contexts[events.context[event]]; }
  [[nodiscard]] int64_t time_of(size_t event) const {
    return event < events.time_us.size() ? events.time_us[event] : kNoTime;
  }
};

}  // namespace unfrag::trace
