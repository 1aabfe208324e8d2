#include "analyze/blockers.h"

#include <algorithm>
#include <tuple>

namespace unfrag::analyze {
namespace {

/// Blocks [first, last) of a run and the hole that is left without them.
struct Window {
  uint32_t first = 0;
  uint32_t last = 0;
  Bytes hole{};
  Bytes release{};
  uint32_t live = 0;
};

bool cheaper(const Window& a, const Window& b) {
  return std::tuple(a.release, a.live, a.first) < std::tuple(b.release, b.live, b.first);
}

// For each first block the shortest window that is large enough: longer ones release more. Two ends that only move on.
class Sweep {
 public:
  Sweep(const MemoryState& state, const PlacedSegment& segment, const Request& request)
      : state_(state), segment_(segment), request_(request) {}

  /// The cheapest window; false where none is large enough.
  bool run(Window& best) {
    bool found = false;
    Window window;
    for (; window.first <= segment_.block_count; drop_first(window)) {
      while (hole_of(window) < request_.rounded && window.last < segment_.block_count) take_next(window);
      window.hole = hole_of(window);
      if (window.hole < request_.rounded) break;
      if (!serves(window.hole, request_) || (found && !cheaper(window, best))) continue;
      best = window;
      found = true;
    }
    return found;
  }

 private:
  [[nodiscard]] const PlacedBlock& block(uint32_t i) const { return state_.blocks[segment_.first_block + i]; }
  [[nodiscard]] Bytes hole_of(const Window& window) const {
    const uint64_t begin =
        window.first == 0 ? segment_.run.addr : block(window.first - 1).addr + block(window.first - 1).size;
    const uint64_t end = window.last == segment_.block_count ? segment_.run.end() : block(window.last).addr;
    return Bytes(end - begin);
  }
  void take_next(Window& window) const {
    const PlacedBlock& taken = block(window.last++);
    if (taken.pending) return;
    window.release += Bytes(taken.size);
    ++window.live;
  }
  void drop_first(Window& window) const {
    if (window.first < window.last && !block(window.first).pending) {
      window.release -= Bytes(block(window.first).size);
      --window.live;
    }
    ++window.first;
    window.last = std::max(window.first, window.last);
  }

  const MemoryState& state_;
  const PlacedSegment& segment_;
  const Request& request_;
};

Opening opening_of(const MemoryState& state, const PlacedSegment& segment, const Window& window) {
  Opening opening{.hole = window.hole, .release = window.release, .blocks = {}, .run = segment.run};
  opening.blocks.reserve(window.live);
  for (uint32_t i = window.first; i < window.last; ++i) {
    const PlacedBlock& block = state.blocks[segment.first_block + i];
    if (!block.pending) opening.blocks.push_back(block);
  }
  return opening;
}

/// Cost of giving back the best segments so far.
struct Cost {
  Bytes release{};
  uint64_t live = 0;
  bool possible = false;
};

bool cheaper(const Cost& a, const Cost& b) {
  if (a.possible != b.possible) return a.possible;
  return std::tuple(a.release, a.live) < std::tuple(b.release, b.live);
}

Cost cost_of(const MemoryState& state, const PlacedSegment& segment) {
  Cost cost{.release = segment.active - segment.pending, .live = 0, .possible = true};
  for (uint32_t b = segment.first_block; b < segment.first_block + segment.block_count; ++b) {
    cost.live += state.blocks[b].pending ? 0 : 1;
  }
  return cost;
}

constexpr uint64_t kUnit = uint64_t{2} << 20;       // segments are multiples of 2 MiB
constexpr uint64_t kMostUnits = uint64_t{1} << 16;  // 128 GiB
constexpr uint64_t kMostCells = uint64_t{1} << 24;  // 2 MiB of bits, some 20 ms

using Candidates = std::vector<const PlacedSegment*>;

// Least cost for at least `units`, the covering knapsack: best[w] is the least cost of w units or more.
Candidates choose_cheapest(const MemoryState& state, const Candidates& all, uint64_t units) {
  std::vector<Cost> best(units + 1);
  best[0].possible = true;
  std::vector<bool> taken(all.size() * (units + 1));
  for (size_t i = 0; i < all.size(); ++i) {
    const uint64_t size = all[i]->run.size / kUnit;
    const Cost cost = cost_of(state, *all[i]);
    for (uint64_t w = units; w > 0; --w) {
      const Cost& before = best[w > size ? w - size : 0];
      const Cost with{before.release + cost.release, before.live + cost.live, before.possible};
      if (!cheaper(with, best[w])) continue;
      best[w] = with;
      taken[i * (units + 1) + w] = true;
    }
  }
  Candidates chosen;
  uint64_t w = best[units].possible ? units : 0;
  for (size_t i = all.size(); i-- > 0 && w > 0;) {
    if (!taken[i * (units + 1) + w]) continue;
    chosen.push_back(all[i]);
    w -= std::min(w, all[i]->run.size / kUnit);
  }
  return chosen;
}

// Fewest live bytes for each byte returned, first.
Candidates choose_greedily(const MemoryState& state, Candidates all, uint64_t units) {
  std::ranges::sort(all, {}, [&](const PlacedSegment* segment) {
    const double share = static_cast<double>(cost_of(state, *segment).release.value()) /
                         static_cast<double>(std::max<uint64_t>(1, segment->run.size));
    return std::pair(share, segment->run.addr);
  });
  uint64_t sum = 0;
  size_t count = 0;
  while (count < all.size() && sum < units) sum += all[count++]->run.size / kUnit;
  all.resize(sum < units ? 0 : count);
  return all;
}

}  // namespace

std::vector<Opening> find_openings(const MemoryState& state, const Request& request, size_t most) {
  std::vector<std::pair<Window, const PlacedSegment*>> found;
  for (const PlacedSegment& segment : state.segments) {
    if (!may_use(segment.run, request)) continue;
    Window window;
    if (Sweep(state, segment, request).run(window)) found.emplace_back(window, &segment);
  }
  std::ranges::sort(found, [](const auto& a, const auto& b) {
    return std::tuple(a.first.release, a.first.live, a.second->run.addr) <
           std::tuple(b.first.release, b.first.live, b.second->run.addr);
  });
  std::vector<Opening> openings;
  openings.reserve(std::min(most, found.size()));
  for (size_t i = 0; i < std::min(most, found.size()); ++i) {
    openings.push_back(opening_of(state, *found[i].second, found[i].first));
  }
  return openings;
}

Emptying find_emptying(const MemoryState& state, Bytes missing) {
  Emptying emptying;
  Candidates all;
  uint64_t sum = 0;
  for (const PlacedSegment& segment : state.segments) {
    const Run& run = segment.run;
    if (run.expandable || !run.pool.is_default() || segment.block_count == 0 || run.size < kUnit) continue;
    all.push_back(&segment);
    sum += run.size / kUnit;
  }
  for (const PlacedSegment& segment : state.segments) {
    const bool goes_anyway = !segment.run.expandable && segment.run.pool.is_default() && segment.block_count == 0;
    if (goes_anyway) missing = minus_or_zero(missing, Bytes(segment.run.size));
  }
  const uint64_t units = (missing.value() + kUnit - 1) / kUnit;
  if (units == 0 || sum < units) return emptying;
  emptying.cheapest = units <= kMostUnits && units <= kMostCells / all.size();
  Candidates chosen = emptying.cheapest ? choose_cheapest(state, all, units) : choose_greedily(state, all, units);
  std::ranges::sort(chosen, {}, [](const PlacedSegment* segment) { return segment->run.addr; });
  emptying.segments.reserve(chosen.size());
  for (const PlacedSegment* segment : chosen) {
    emptying.returned += Bytes(segment->run.size);
    emptying.release += segment->active - segment->pending;
    emptying.segments.push_back(segment->run);
    for (uint32_t b = segment->first_block; b < segment->first_block + segment->block_count; ++b) {
      if (!state.blocks[b].pending) emptying.blocks.push_back(state.blocks[b]);
    }
  }
  return emptying;
}

}  // namespace unfrag::analyze
