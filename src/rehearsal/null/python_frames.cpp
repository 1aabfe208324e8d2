#include "rehearsal/null/python_frames.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "rehearsal/null/log.h"
#include "rehearsal/null/python_walk.h"

namespace unfrag::null {
namespace {

/// Numbers by hash, which stands for what was hashed. A row that two threads write at once, or that is read while it is
/// written, fits no hash: what is kept is the hash with the number folded into it.
class Numbers {
 public:
  uint32_t find(uint64_t hash) const {
    for (const Row& row : sets_[hash % kSets]) {
      const uint64_t number = row.number.load(std::memory_order_relaxed);
      if ((row.folded.load(std::memory_order_relaxed) ^ number) == hash) return static_cast<uint32_t>(number);
    }
    return 0;
  }

  /// In a row that is free, else in any of the set.
  void keep(uint64_t hash, uint32_t number) {
    Set& set = sets_[hash % kSets];
    const auto is_free = [](const Row& row) { return row.number.load(std::memory_order_relaxed) == 0; };
    const auto found = std::ranges::find_if(set, is_free);
    Row& row = found != set.end() ? *found : set[(hash / kSets) % set.size()];
    row.folded.store(hash ^ number, std::memory_order_relaxed);
    row.number.store(number, std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kSets = size_t{1} << 13;
  struct Row {
    std::atomic<uint64_t> folded{0};
    std::atomic<uint64_t> number{0};
  };
  using Set = std::array<Row, 4>;  // a line of the processor's cache
  alignas(64) std::array<Set, kSets> sets_;
};
Numbers known;

/// Settled by the first thread that has frames.
bool fits(const Python& python) {
  static std::atomic<Fit> settled{Fit::kNobodyKnows};
  Fit fit = settled;
  if (fit == Fit::kNobodyKnows) settled = fit = check_layout(python);
  return fit == Fit::kFits;
}

/// What the thread's last walk came to, outermost frame first: most frames are there again, below the same.
struct LastWalk {
  struct Frame {
    uint64_t fingerprint = 0;
    uint32_t stack = 0;
  };
  uint64_t log = 0;
  size_t depth = 0;
  std::array<Frame, allocation_log::kMostFrames> frames;
  std::array<Spot, allocation_log::kMostFrames> spots;  // innermost first
};

uint32_t stack_on(const Python& python, Spot spot, uint64_t fingerprint, uint64_t log, uint32_t below) {
  const uint64_t hash = mix(mix(fingerprint, log), below);
  if (const uint32_t number = known.find(hash); number != 0) return number;
  const uint32_t number = log_stack(
      {.name = name_of(python, spot.code), .file = file_of(python, spot.code), .line = line_of(python, spot)}, below);
  known.keep(hash, number);
  return number;
}

}  // namespace

uint32_t current_stack(bool again) {
  const Python* const running = python();
  const uint64_t log = log_identity();
  if (running == nullptr || log == 0 || !fits(*running)) return 0;
  std::array<Spot, allocation_log::kMostFrames> spots;
  uint32_t stack = 0;
  thread_local LastWalk last;
  const size_t depth = walk_frames(*running, spots);
  bool same = last.log == log;
  if (again && same && depth == last.depth && std::equal(spots.begin(), spots.begin() + depth, last.spots.begin())) {
    return depth == 0 ? 0 : last.frames[depth - 1].stack;
  }
  last.log = log;
  last.depth = depth;
  std::copy_n(spots.begin(), depth, last.spots.begin());
  for (size_t i = 0; i < depth; ++i) {
    const Spot spot = spots[depth - 1 - i];
    const uint64_t print = fingerprint(*running, spot);
    LastWalk::Frame& before = last.frames[i];
    same = same && before.fingerprint == print;
    if (!same) before = {.fingerprint = print, .stack = stack_on(*running, spot, print, log, stack)};
    stack = before.stack;
  }
  return stack;
}

}  // namespace unfrag::null
