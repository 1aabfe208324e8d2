#include "analyze/align_lines.h"

#include <algorithm>
#include <unordered_map>

namespace unfrag::analyze {
namespace {

using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;

constexpr int32_t kMatch = 4;   // what a line that is matched is worth
constexpr int32_t kChange = 3;  // what it costs that the distance is another than that of the line before
constexpr int32_t kNone = -1;

Pairs equal_lines(std::span<const CodeLine> a, std::span<const CodeLine> b) {
  Pairs pairs;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) pairs.emplace_back(i, j);
    const bool advance_a = a[i] <= b[j];
    if (b[j] <= a[i]) ++j;
    if (advance_a) ++i;
  }
  return pairs;
}

/// The best alignment that ends with each pair of lines, row by row of `a`.
class Alignment {
 public:
  Alignment(std::span<const CodeLine> a, std::span<const CodeLine> b) : a_(a), b_(b), best_above_(b.size(), kNone) {}

  Pairs find() {
    for (size_t i = 0; i < a_.size(); ++i) add_row(i);
    Pairs pairs;
    for (int32_t at = best_; at != kNone; at = steps_[index(at)].previous) {
      pairs.emplace_back(steps_[index(at)].i, steps_[index(at)].j);
    }
    std::ranges::reverse(pairs);
    return pairs;
  }

 private:
  struct Step {
    uint32_t i = 0;
    uint32_t j = 0;
    int32_t score = 0;
    int32_t previous = kNone;
  };
  static size_t index(int32_t step) { return static_cast<size_t>(step); }
  [[nodiscard]] int32_t score(int32_t step) const { return step == kNone ? 0 : steps_[index(step)].score; }
  void keep_better(int32_t& best, int32_t step) const {
    if (score(step) > score(best)) best = step;
  }

  void add_row(size_t i) {
    const size_t first = steps_.size();
    int32_t before = kNone;  // the best step that ends above and to the left
    for (size_t j = 0; j < b_.size(); ++j) {
      if (a_[i].function == b_[j].function) add_step(i, j, before);
      keep_better(before, best_above_[j]);
    }
    for (size_t step = first; step < steps_.size(); ++step) {
      keep_better(best_above_[steps_[step].j], static_cast<int32_t>(step));
      last_of_[distance(steps_[step])] = static_cast<int32_t>(step);
    }
  }

  void add_step(size_t i, size_t j, int32_t before) {
    Step step{.i = static_cast<uint32_t>(i), .j = static_cast<uint32_t>(j)};
    const int64_t by = distance(step);
    step.score = score(before) + kMatch - kChange;
    step.previous = before;
    const auto same = last_of_.find(by);
    const int32_t straight = same == last_of_.end() ? kNone : same->second;
    const bool starts_straight = straight == kNone && by == 0;
    if ((straight != kNone || starts_straight) && score(straight) + kMatch > step.score) {
      step.score = score(straight) + kMatch;
      step.previous = straight;
    }
    steps_.push_back(step);
    keep_better(best_, static_cast<int32_t>(steps_.size() - 1));
  }

  [[nodiscard]] int64_t distance(const Step& step) const { return int64_t{b_[step.j].line} - int64_t{a_[step.i].line}; }

  std::span<const CodeLine> a_, b_;
  std::vector<Step> steps_;
  std::vector<int32_t> best_above_;               // for each line of `b`, of the rows before
  std::unordered_map<int64_t, int32_t> last_of_;  // for each distance, of the rows before
  int32_t best_ = kNone;
};

}  // namespace

Pairs align_lines(std::span<const CodeLine> a, std::span<const CodeLine> b) {
  const bool many = !a.empty() && b.size() > kMostPairs / a.size();
  if (many || std::ranges::equal(a, b)) return equal_lines(a, b);
  return Alignment(a, b).find();
}

}  // namespace unfrag::analyze
