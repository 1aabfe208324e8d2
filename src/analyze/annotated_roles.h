// What the program was doing at an entry as its own annotations say: PyTorch marks optimizer steps, zero_grad and data
// loaders in every recording since 2.5, and users mark "forward" and "backward" with record_function.
//
// For recordings without stacks. Entries and annotations are compared by time. Threads: safe to share once built.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "analyze/stack_roles.h"
#include "trace/trace.h"

namespace unfrag::analyze {

class AnnotatedRoles {
 public:
  AnnotatedRoles(const trace::Trace& trace, const trace::Device& device);

  /// Of the innermost annotation that says something around a row of the event table; kNoFrames where none does.
  [[nodiscard]] Role at(size_t event) const;
  /// Whether an annotation of this role begins after that row.
  [[nodiscard]] bool begins_after(size_t event, Role role) const;

 private:
  struct Change {
    int64_t time_us = 0;
    Role role = Role::kNoFrames;  ///< From then on.
  };
  const trace::Trace& trace_;
  std::vector<Change> changes_;               // by time
  std::array<int64_t, kRoles> last_begin_{};  // by role
};

}  // namespace unfrag::analyze
