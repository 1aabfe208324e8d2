#include "rehearsal/null/python_frames.h"

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
    const Row& row = rows_[hash % kRows];
    const uint64_t number = row.number.load(std::memory_order_relaxed);
    return (row.folded.load(std::memory_order_relaxed) ^ number) == hash ? static_cast<uint32_t>(number) : 0;
  }

  void keep(uint64_t hash, uint32_t number) {
    Row& row = rows_[hash % kRows];
    row.folded.store(hash ^ number, std::memory_order_relaxed);
    row.number.store(number, std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kRows = size_t{1} << 14;
  struct Row {
    std::atomic<uint64_t> folded{0};
    std::atomic<uint64_t> number{0};
  };
  std::array<Row, kRows> rows_;
};
Numbers known;

/// Settled by the first thread that has frames.
bool fits(const Python& python) {
  static std::atomic<Fit> settled{Fit::kNobodyKnows};
  Fit fit = settled;
  if (fit == Fit::kNobodyKnows) settled = fit = check_layout(python);
  return fit == Fit::kFits;
}

uint32_t stack_on(const Python& python, Spot spot, uint64_t log, uint32_t below) {
  const uint64_t hash = mix(mix(fingerprint(python, spot), log), below);
  if (const uint32_t number = known.find(hash); number != 0) return number;
  const uint32_t number = log_stack(
      {.name = name_of(python, spot.code), .file = file_of(python, spot.code), .line = line_of(python, spot)}, below);
  known.keep(hash, number);
  return number;
}

}  // namespace

uint32_t current_stack() {
  const Python* const running = python();
  const uint64_t log = log_identity();
  if (running == nullptr || log == 0 || !fits(*running)) return 0;
  std::array<Spot, allocation_log::kMostFrames> spots;
  uint32_t stack = 0;
  for (size_t i = walk_frames(*running, spots); i > 0; --i) stack = stack_on(*running, spots[i - 1], log, stack);
  return stack;
}

}  // namespace unfrag::null
