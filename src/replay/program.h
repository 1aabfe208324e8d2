// What a recorded program asked of its allocator: the input of every replay, whatever the settings.
//
// Requests are named by the life of their block, so that running a program looks nothing up by address. Threads:
// values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "alloc/caching_policy.h"
#include "trace/trace.h"

namespace unfrag::replay {

enum class OpKind : uint8_t {
  kAllocate,     ///< `bytes` for `life`, from `place`.
  kFree,         ///< Gives `life` back; it can be used again at once.
  kFreeLater,    ///< ... once other streams are done with it.
  kComplete,     ///< They are, if nothing has waited for them before.
  kEmptyCache,   ///< torch.cuda.empty_cache.
  kRetirePool,   ///< Nobody uses the pool in `place` any more.
  kReleasePool,  ///< A MemPool died: its free memory goes back at once.
  kChange,       ///< The program tells its allocator something: row `life` of Program::changes.
};

struct Op {
  uint64_t bytes = 0;
  uint32_t life = 0;
  uint32_t entry = 0;  ///< Where in the recording.
  uint16_t place = 0;  ///< Row of Program::places.
  OpKind kind = OpKind::kAllocate;
  bool was_refused = false;  ///< The recording says that the request failed.
};

/// On which stream and from which pool a request is.
struct Place {
  alloc::StreamId stream = 0;
  alloc::PoolIdx pool = alloc::kDefaultPool;
  alloc::Scope scope = alloc::Scope::kNone;
  bool operator==(const Place&) const = default;
};

/// A block that was there when the recording began.
struct InitialBlock {
  uint64_t addr = 0;
  uint64_t size = 0;
  uint64_t requested = 0;
  uint32_t life = 0;
  bool pending = false;
};

/// A run of memory that was there when the recording began; blocks in address order.
struct InitialRun {
  uint64_t addr = 0;
  uint64_t size = 0;
  alloc::Owner owner;
  uint64_t page = 0;  ///< Of an expandable segment; 0 for a plain one.
  std::vector<InitialBlock> blocks{};

  [[nodiscard]] bool expandable() const { return page != 0; }
};

struct Program {
  std::vector<Op> ops;
  std::vector<Place> places;
  std::vector<trace::PoolId> pools;  ///< By PoolIdx; the first is the default pool.
  std::vector<InitialRun> initial;   ///< In address order.
  std::vector<trace::Change> changes{};
  uint32_t lives = 0;    ///< Lives of the history, then one a refused request.
  uint64_t entries = 0;  ///< Of the recording, that the ops stand for.

  /// How much it may have hangs on how much the device has, by what it set itself.
  [[nodiscard]] bool limits_itself() const {
    return std::ranges::any_of(changes, [](const trace::Change& change) { return change.memory_fraction.has_value(); });
  }
};

}  // namespace unfrag::replay
