// Where a program begins again: the training steps, batches or prompts of a recording, found from the recording itself.
//
//   | set-up ... | iteration 0 | iteration 1 | iteration 2 | ... the last, unfinished
//                begins[0]     begins[1]     begins[2]     begins.back()
//
// Tried in this order: profiler steps and optimizer steps that were annotated, optimizer steps that stacks show, other
// annotations, and what repeats. A line that allocates many times in one pass (layers, a list being filled) is no
// iteration: an iteration allocates and frees again.
// Cost: linear in the entries at worst; a few look-ups where annotations tell. Threads: pure function.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analyze/lives.h"
#include "analyze/user_code.h"
#include "trace/trace.h"

namespace unfrag::analyze {

/// Fewer tell nothing about growth.
inline constexpr uint32_t kFewestIterations = 4;

struct Iterations {
  enum Source : uint8_t {
    kNone,
    kAnnotations,  ///< A user scope begins each.
    kOptimizer,    ///< Stacks show an optimizer's step in each.
    kRepetition,   ///< The same lines (or sizes, without stacks) come again and again.
  } source = kNone;
  std::string name{};              ///< The annotation, else the user's line that marks them; as recorded, not escaped.
  std::vector<uint32_t> begins{};  ///< Entries; iteration k is [begins[k], begins[k+1]), all complete. Ascending.

  [[nodiscard]] uint32_t count() const { return begins.empty() ? 0 : static_cast<uint32_t>(begins.size() - 1); }
};

/// The iterations among the entries before `until` (the event count for all): none, or at least kFewestIterations.
Iterations find_iterations(const trace::Trace& trace, const trace::Device& device, const History& history,
                           const UserCode& user_code, uint32_t until);

}  // namespace unfrag::analyze
