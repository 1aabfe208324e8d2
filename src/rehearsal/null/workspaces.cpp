#include "rehearsal/null/workspaces.h"

#include <algorithm>
#include <array>

#include "rehearsal/null/log.h"

namespace unfrag::null {
namespace {

/// The latest answers; programs ask for a workspace and what is kept until the backward pass, and then allocate both.
constexpr size_t kMost = 4;
thread_local std::array<uint64_t, kMost> expected{};
thread_local size_t next = 0;

}  // namespace

void log_workspace(uint64_t addr, bool asked) {
  if (addr == 0) return;
  log_record({.kind = allocation_log::Kind::kWorkspace, .addr = addr, .first = asked ? 1U : 0U});
}

void expect_workspace(uint64_t bytes) { expected[next++ % kMost] = bytes; }

void note_allocation(uint64_t addr, uint64_t bytes) {
  const auto found = bytes == 0 ? expected.end() : std::ranges::find(expected, bytes);
  if (found == expected.end()) return;
  *found = 0;
  log_workspace(addr, false);
}

}  // namespace unfrag::null
