// Whether a stretch of a recording repeats, told by its allocations alone.
//
// An anchor is a stack (a size, where no stacks were recorded) that allocates at regular distances. The stretches
// between are iterations if each allocates and frees again, neighbours use the same stacks, and the loop does not lie
// inside a module's forward, where what repeats are layers.
// Cost: linear in the entries. Memory: 8 bytes an entry while it runs. Threads: a Rhythm is for one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analyze/lives.h"
#include "trace/trace.h"

namespace unfrag::analyze {

class Rhythm {
 public:
  /// `until`: entries before it count.
  Rhythm(const trace::Trace& trace, const trace::Device& device, uint32_t until);

  /// Whether these entries, ascending, each begin another turn of a loop that still runs at the end.
  [[nodiscard]] bool is_loop(std::span<const uint32_t> begins) const;

  struct Found {
    std::vector<uint32_t> begins;
    trace::StackIdx anchor = trace::kEmptyStack;
  };
  /// The coarsest loop that any stack (or size) marks; empty where there is none.
  [[nodiscard]] Found find() const;

 private:
  [[nodiscard]] size_t row(uint32_t entry) const { return size_t{device_.first_event} + entry; }
  [[nodiscard]] bool is_alloc(uint32_t entry) const {
    return trace_.events.action[row(entry)] == trace::Action::kAlloc;
  }
  /// What tells allocations apart: the stack, or the size where no stacks were recorded.
  [[nodiscard]] uint64_t key_of(uint32_t entry) const {
    return has_stacks_ ? trace_.events.stack[row(entry)].value() : trace_.events.size[row(entry)];
  }
  [[nodiscard]] bool frees_again(std::span<const uint32_t> begins) const;
  [[nodiscard]] bool looks_alike(std::span<const uint32_t> begins) const;
  [[nodiscard]] std::vector<uint64_t> keys_between(uint32_t begin, uint32_t end) const;
  [[nodiscard]] bool inside_a_module(std::span<const uint64_t> keys) const;

  const trace::Trace& trace_;
  const trace::Device& device_;
  uint32_t until_;
  bool has_stacks_ = false;
  std::vector<uint32_t> allocs_;  ///< Allocations before each entry.
  std::vector<uint32_t> frees_;   ///< Frees before each entry.
};

}  // namespace unfrag::analyze
