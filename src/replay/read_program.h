// Reads the program out of a recording by running the policy beside it, and says where the two first differ.
//
// Each request, free and release of the recording is done on the policy under the recorded settings; what the policy
// then does is compared with the entries. Whether a burst of segment_free was the allocator's own or the program's is
// decided by stacks where there are any, else by what the policy would do at that moment. Threads: safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "replay/history.h"
#include "replay/program.h"
#include "replay/runner.h"
#include "trace/trace.h"

namespace unfrag::replay {

/// What one side did at an entry.
struct Deed {
  trace::Action action = trace::Action::kUnknown;  ///< kUnknown: nothing.
  uint64_t addr = 0;
  uint64_t size = 0;
};

/// The first entry at which recording and replay part.
struct Divergence {
  uint32_t entry = 0;  ///< Of the device; its number of entries where only the final state differs.
  Deed recorded;
  Deed replayed;
  Bytes recorded_reserved{};
  Bytes replayed_reserved{};
  Bytes recorded_requested{};
  Bytes replayed_requested{};
};

struct Reading {
  Program program;  ///< Without ops where sizes were wanted.
  std::optional<Divergence> divergence;
  alloc::Statistics statistics;        ///< Of the policy at the end.
  std::vector<uint64_t> size_of_life;  ///< In bytes, 0 where it had no block; exact until the divergence.
  uint64_t sizes_guessed = 0;          ///< Blocks from before the recording whose size nothing settles.
  uint64_t pools_inferred = 0;         ///< Segments taken for a private pool's because of a contradiction.
  uint64_t releases_read = 0;          ///< Bursts of segment_free read as the program's, without a stack to prove it.
};

/// What a reading is for: each costs memory that the other need not have.
enum class Want : uint8_t {
  kProgram,
  kSizes,  ///< Reading::size_of_life.
};

/// Streams and pools that a recording may have: more are a made-up file, and each costs some KiB.
inline constexpr size_t kMostPlaces = 512;

/// Errors: kBadInput where the recording has no entries, or more streams and pools than kMostPlaces.
Result<Reading> read_program(const trace::Trace& trace, const trace::Device& device, const History& history,
                             const Conditions& conditions, Want want);

}  // namespace unfrag::replay
