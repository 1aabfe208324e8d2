// What each block of one device was for: parameters, gradients, optimizer state, activations, inputs, workspaces.
//
// A recording does not say so. It follows from the stack that asked (stack_roles.h), from the code that gave the block
// back, from PyTorch's own annotations, and from when the block lived: across the end of an optimizer's step or not.
// What does not follow is kUnknown. The rules, and what is never guessed: docs/guide/kinds.md.
// Cost: about linear in lives and entries. Threads: safe to share once built.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "analyze/holders.h"
#include "analyze/lives.h"
#include "analyze/memory_kind.h"
#include "analyze/stack_roles.h"
#include "analyze/state.h"
#include "trace/trace.h"

namespace unfrag::analyze {

/// The allocated blocks of one kind.
struct KindUse {
  MemoryKind kind = MemoryKind::kUnknown;
  Held now;      ///< As the snapshot shows it.
  Held at;       ///< At the moment the report is about.
  Held at_peak;  ///< When most was allocated.
};
/// One of each kind, in the order of MemoryKind.
using KindUses = std::array<KindUse, kMemoryKinds>;

class Kinds {
 public:
  /// `roles`: of the trace; asked for the stacks of this device.
  Kinds(const trace::Trace& trace, const trace::Device& device, const History& history, StackRoles& roles);

  [[nodiscard]] MemoryKind of_life(uint32_t life) const { return kinds_[life]; }
  /// Sets the kind of every block, of a state of the same device.
  void mark(MemoryState& state) const;

 private:
  [[nodiscard]] MemoryKind of_block(const PlacedBlock& block) const;

  std::vector<MemoryKind> kinds_;                      // by life
  std::vector<std::pair<uint64_t, uint32_t>> at_end_;  // (address, life) of those active at the end, sorted
};

/// Sums over the marked blocks of three states. They equal the allocated bytes: what of them contradicts the segments
/// is of unknown kind.
KindUses sum_kinds(const MemoryState& now, const MemoryState& at, const MemoryState& peak);

}  // namespace unfrag::analyze
