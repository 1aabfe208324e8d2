#include "replay/initial_state.h"

#include <algorithm>
#include <utility>

#include "alloc/rounding.h"

namespace unfrag::replay {
namespace {

/// A free block of a large pool is larger than this, so a smaller gap is part of the block before it.
constexpr uint64_t kLargestSlack = alloc::kSmallMax.value();

using AllocAt = std::pair<uint64_t, uint32_t>;  // address, entry

std::vector<AllocAt> allocs_by_address(const trace::Trace& trace, const trace::Device& device) {
  std::vector<AllocAt> allocs;
  for (uint32_t i = 0; i < device.event_count; ++i) {
    const size_t row = size_t{device.first_event} + i;
    if (trace.events.action[row] == trace::Action::kAlloc) allocs.emplace_back(trace.events.addr[row], i);
  }
  std::ranges::sort(allocs);
  return allocs;
}

/// Where a block of the initial state ends, at least at `least` and at most at `most`.
uint64_t settle_end(const Life& life, uint64_t least, uint64_t most, const std::vector<AllocAt>& allocs,
                    uint64_t& guessed) {
  if (life.size_exact || most <= least) return std::min(least, most);
  if (most - least <= kLargestSlack) return most;
  for (auto it = std::ranges::upper_bound(allocs, AllocAt(least, kBefore)); it != allocs.end(); ++it) {
    if (it->first > least + kLargestSlack) break;
    if (it->second < life.free_completed) return it->first;
  }
  ++guessed;
  return least;
}

bool is_aligned(uint64_t n) { return n % alloc::kMinBlock.value() == 0; }

}  // namespace

std::vector<InitialRun> find_initial_state(const trace::Trace& trace, const trace::Device& device,
                                           const History& history, const PoolFinder& pools, Bytes large_page,
                                           uint64_t& guessed) {
  std::vector<std::pair<uint64_t, uint32_t>> before;  // address, life
  bool any_inexact = false;
  for (uint32_t i = 0; i < history.lives.size(); ++i) {
    const Life& life = history.lives[i];
    if (life.alloc != kBefore) continue;
    before.emplace_back(life.addr, i);
    any_inexact = any_inexact || !life.size_exact;
  }
  std::ranges::sort(before);
  const std::vector<AllocAt> allocs = any_inexact ? allocs_by_address(trace, device) : std::vector<AllocAt>();
  std::vector<InitialRun> runs;
  auto next = before.begin();
  for (const auto& [addr, run] : history.initial_segments.runs()) {
    if (!is_aligned(addr) || !is_aligned(run.size)) continue;  // no allocator's: the file is made up
    const bool small = run.kind == trace::PoolKind::kSmall;
    const Bytes page = small ? alloc::kSmallSegment : large_page;
    runs.push_back({.addr = addr,
                    .size = run.size,
                    .owner = {.stream = run.stream, .pool = alloc::PoolIdx(pools.pool_at(addr)), .small = small},
                    .page = run.expandable ? page.value() : 0});
    while (next != before.end() && next->first < addr) ++next;
    for (; next != before.end() && next->first < run.end(); ++next) {
      const Life& life = history.lives[next->second];
      const auto after = std::next(next);
      const uint64_t most = after != before.end() ? std::min(after->first, run.end()) : run.end();
      const uint64_t end = settle_end(life, life.addr + life.size, most, allocs, guessed);
      if (end <= life.addr || !is_aligned(life.addr) || !is_aligned(end)) continue;
      runs.back().blocks.push_back({.addr = life.addr,
                                    .size = end - life.addr,
                                    .requested = life.requested,
                                    .life = next->second,
                                    .pending = life.free_requested == kBefore});
    }
  }
  return runs;
}

}  // namespace unfrag::replay
