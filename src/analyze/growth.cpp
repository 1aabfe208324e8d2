#include "analyze/growth.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <optional>
#include <span>
#include <tuple>

#include "alloc/rounding.h"
#include "analyze/trend.h"

namespace unfrag::analyze {
namespace {

// A large block can be up to 1 MiB larger than its request, as chance has it: that is no growth.
uint64_t held_by(const Life& life) {
  if (life.requested == 0) return life.size;
  return std::min(life.size, alloc::round_size(Bytes(life.requested), {}).value());
}

using trace::Action;

constexpr size_t kMostPoints = 256;  // neighbouring iterations are taken together beyond
constexpr size_t kFewestRises = 3;
constexpr size_t kFewestUnnamed = 8;   // rises of what no line can be blamed for
constexpr size_t kFewestReplaced = 7;  // rises of one block that is replaced by a larger one

/// Where each iteration (or a few) holds least: an entry each, ascending.
struct QuietPoints {
  std::vector<uint32_t> entries;
  uint32_t first_iteration = 0;
  uint32_t iterations_each = 1;
};

class QuietFinder {
 public:
  QuietFinder(const trace::Trace& trace, const trace::Device& device, const History& history)
      : trace_(trace), device_(device), history_(history) {}

  QuietPoints find(const std::vector<uint32_t>& begins) {
    QuietPoints points;
    const auto count = static_cast<uint32_t>(begins.size() - 1);
    points.first_iteration = count > kFewestIterations ? 1 : 0;  // the first warms up
    points.iterations_each = (count - points.first_iteration + kMostPoints - 1) / kMostPoints;
    uint32_t entry = 0;
    for (; entry < begins[points.first_iteration]; ++entry) play(entry);
    for (uint32_t i = points.first_iteration; i < count; i += points.iterations_each) {
      const uint32_t end = begins[std::min(i + points.iterations_each, count)];
      uint32_t quietest = entry;
      int64_t least = std::numeric_limits<int64_t>::max();
      for (; entry < end; ++entry) {
        play(entry);
        if (allocated_ >= least) continue;
        least = allocated_;
        quietest = entry;
      }
      points.entries.push_back(quietest);
    }
    return points;
  }

 private:
  void play(uint32_t entry) {
    for (; lost_ < history_.lost_frees.size() && history_.lost_frees[lost_].first == entry; ++lost_) {
      give_back(history_.lives[history_.lost_frees[lost_].second], entry);
    }
    const uint32_t index = history_.life_of_entry[entry];
    if (index == kNoLife) return;
    const Life& life = history_.lives[index];
    if (trace_.events.action[size_t{device_.first_event} + entry] == Action::kAlloc)
      allocated_ += static_cast<int64_t>(held_by(life));
    else
      give_back(life, entry);
  }
  void give_back(const Life& life, uint32_t entry) {
    if (life.free_requested == entry) allocated_ -= static_cast<int64_t>(held_by(life));
  }

  const trace::Trace& trace_;
  const trace::Device& device_;
  const History& history_;
  size_t lost_ = 0;
  int64_t allocated_ = 0;  ///< Beyond what was there at first.
};

/// A block that is there at quiet points [from, to).
struct Stay {
  trace::FrameIdx line;
  trace::StackIdx stack;
  uint32_t from = 0;
  uint32_t to = 0;
  bool kept = false;  ///< It is still there at the end.
  bool from_before = false;
  uint64_t bytes = 0;
  uint64_t requested = 0;
};

/// A block from before the recording whose stack is lost, and which the recording sees go.
struct Lost {
  uint64_t requested = 0;
  uint32_t to = 0;  ///< The first quiet point at which it is gone.
  trace::StackIdx freed_by = trace::kEmptyStack;
  auto operator<=>(const Lost&) const = default;
};

/// What a group of stays comes to at each quiet point.
struct Series {
  std::vector<double> blocks, bytes, kept_blocks;
  std::vector<uint32_t> births;  ///< Points at which something came that is there to the end.

  Series(std::span<const Stay> stays, size_t points) : blocks(points + 1), bytes(points + 1), kept_blocks(points + 1) {
    std::vector<bool> born(points);
    for (const Stay& stay : stays) {
      add(blocks, stay, 1);
      add(bytes, stay, static_cast<double>(stay.bytes));
      if (!stay.kept) continue;
      add(kept_blocks, stay, 1);
      born[stay.from] = stay.from > 0;
    }
    for (auto* series : {&blocks, &bytes, &kept_blocks}) {
      series->pop_back();
      double sum = 0;
      for (double& value : *series) value = sum += value;
    }
    for (uint32_t i = 0; i < points; ++i) {
      if (born[i]) births.push_back(i);
    }
  }

 private:
  static void add(std::vector<double>& series, const Stay& stay, double amount) {
    series[stay.from] += amount;
    series[stay.to] -= amount;
  }
};

class Detective {
 public:
  Detective(const trace::Trace& trace, const trace::Device& device, const History& history, const UserCode& user_code,
            const Iterations& iterations, uint32_t until)
      : trace_(trace),
        device_(device),
        history_(history),
        user_code_(user_code),
        iterations_(iterations),
        until_(until) {}

  std::vector<Suspect> run() {
    points_ = QuietFinder(trace_, device_, history_).find(iterations_.begins);
    collect_stays();
    std::ranges::sort(stays_, {}, [](const Stay& stay) { return std::pair(stay.line, stay.stack); });
    std::ranges::sort(lost_);
    find_whose_frees();
    std::vector<Suspect> suspects;
    for_each_run(std::span<const Stay>(stays_), &Stay::line, [&](std::span<const Stay> stays) {
      if (auto suspect = examine_line(stays)) suspects.push_back(*suspect);
    });
    std::ranges::sort(suspects, {}, [](const Suspect& one) { return std::pair(~one.rise().value(), one.stack); });
    return suspects;
  }

 private:
  [[nodiscard]] size_t points() const { return points_.entries.size(); }

  template <class Key, class Use>
  static void for_each_run(std::span<const Stay> stays, Key key, Use use) {
    while (!stays.empty()) {
      size_t length = 1;
      while (length < stays.size() && stays[length].*key == stays[0].*key) ++length;
      use(stays.first(length));
      stays = stays.subspan(length);
    }
  }

  // Most lives are over before the next quiet point. Lives come in order of their beginning, but for those from before.
  void collect_stays() {
    const auto& quiet = points_.entries;
    uint32_t next = 0;
    for (size_t i = 0; i < history_.lives.size(); ++i) {
      const Life& life = history_.lives[i];
      const bool from_before = life.alloc == kBefore;
      if (!from_before) {
        while (next < quiet.size() && quiet[next] < life.alloc) ++next;
      }
      const bool kept = life.free_requested >= until_;
      if (kept && started_by(life.alloc, until_ - 1)) held_at_end_[life.stack.value()] += held_by(life);
      const uint32_t from = from_before ? 0 : next;
      if (from == quiet.size() || started_by(life.free_requested, quiet[from])) continue;
      if (user_code_.optimizer().part_of(life.stack) == OptimizerCode::kStep) continue;
      const auto over = std::ranges::lower_bound(quiet, life.free_requested);
      stays_.push_back({.line = user_code_.culprit(life.stack).frame,
                        .stack = life.stack,
                        .from = from,
                        .to = static_cast<uint32_t>(over - quiet.begin()),
                        .kept = kept,
                        .from_before = from_before,
                        .bytes = held_by(life),
                        .requested = life.requested});
      if (stays_.back().line.is_none()) stays_.back().stack = trace::kEmptyStack;
      const Stay& stay = stays_.back();
      if (from_before && !stay.kept && life.stack == trace::kEmptyStack) {
        lost_.push_back({.requested = stay.requested, .to = stay.to, .freed_by = stack_of_free(life)});
      }
      any_stack_before_ = any_stack_before_ || (from_before && stay.kept && life.stack != trace::kEmptyStack);
    }
  }

  [[nodiscard]] trace::StackIdx stack_of_free(const Life& life) const {
    return trace_.events.stack[size_t{device_.first_event} + life.free_requested];
  }

  // Which lines' blocks go by the stacks by which lost ones went.
  void find_whose_frees() {
    for (const Lost& lost : lost_) {
      if (lost.freed_by != trace::kEmptyStack) lines_freed_by_[lost.freed_by.value()];
    }
    if (lines_freed_by_.empty()) return;
    for (size_t i = 0; i < history_.lives.size(); ++i) {
      const Life& life = history_.lives[i];
      if (life.stack == trace::kEmptyStack || life.free_requested >= kBefore) continue;
      const auto found = lines_freed_by_.find(stack_of_free(life).value());
      if (found == lines_freed_by_.end()) continue;
      std::vector<trace::FrameIdx>& lines = found.value();
      const trace::FrameIdx line = user_code_.culprit(life.stack).frame;
      if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
    }
  }

  // Not where the line that frees frees other lines' blocks, and never one of this.
  [[nodiscard]] bool may_be_of(trace::FrameIdx line, const Lost& lost) const {
    if (lost.freed_by == trace::kEmptyStack) return true;
    const std::vector<trace::FrameIdx>& lines = lines_freed_by_.at(lost.freed_by.value());
    return lines.empty() || std::ranges::find(lines, line) != lines.end();
  }

  [[nodiscard]] std::optional<Suspect> examine_line(std::span<const Stay> stays) {
    if (grows_by_blocks(stays)) return suspect_of(stays, stays);
    if (stays.front().line.is_none()) return std::nullopt;
    std::vector<Stay> replaced;
    for_each_run(stays, &Stay::stack, [&](std::span<const Stay> same) {
      if (grows_by_bytes(same)) replaced.insert(replaced.end(), same.begin(), same.end());
    });
    if (replaced.empty()) return std::nullopt;
    return suspect_of(replaced, replaced);
  }

  [[nodiscard]] bool grows_by_blocks(std::span<const Stay> stays) const {
    const auto born = [](const Stay& stay) { return stay.kept && stay.from > 0; };
    if (static_cast<size_t>(std::ranges::count_if(stays, born)) < kFewestRises) return false;
    Series series(stays, points());
    const bool unnamed = stays.front().line.is_none();
    if (!keeps_coming(series.births, points(), unnamed ? kFewestUnnamed : kFewestRises)) return false;
    const double gained = series.kept_blocks.back() - series.kept_blocks.front();
    if (unnamed || !comes_from_the_start(series.births, points())) {  // many things mixed, or a list begun anew
      if (4 * deepest_fall(series.blocks) > gained) return false;
    }
    if (!unnamed && any_stack_before_) {
      add_lost(series.blocks, stays);
      if (2 * deepest_fall(series.blocks) > gained) return false;
    }
    return rises_with(series.blocks, series.kept_blocks, series.births);
  }

  // Where the recording begins mid-way, blocks from before that it sees go have no stack any more. Those of the size
  // that a line keeps may well be its own: of a list that was cleared, or of a buffer that replaces what it has.
  void add_lost(std::vector<double>& blocks, std::span<const Stay> stays) const {
    const auto last = std::ranges::max_element(stays, {}, [](const Stay& stay) { return stay.kept ? stay.from : 0; });
    for (const Lost& lost : std::ranges::equal_range(lost_, last->requested, {}, &Lost::requested)) {
      if (!may_be_of(last->line, lost)) continue;
      for (uint32_t i = 0; i < lost.to; ++i) ++blocks[i];
    }
  }

  [[nodiscard]] bool grows_by_bytes(std::span<const Stay> stays) {
    if (points() <= kFewestReplaced || stays.size() < kFewestReplaced) return false;
    const Series series(stays, points());
    const auto some = std::ranges::find_if(series.blocks, [](double blocks) { return blocks > 0; });
    if (std::ranges::max(series.blocks) > 1.5 * *some) return false;  // not larger blocks, but more
    const std::vector<double>& bytes = series.bytes;
    std::vector<uint32_t> rises;
    size_t falls = 0;
    for (uint32_t i = 1; i < points(); ++i) {
      if (bytes[i] > bytes[i - 1]) rises.push_back(i);
      if (bytes[i] < bytes[i - 1]) ++falls;
    }
    if (falls * 10 > rises.size() || !keeps_coming(rises, points(), kFewestReplaced)) return false;
    const std::span<const double> all = bytes;
    const size_t third = points() / 3;
    if (std::ranges::min(all.last(third)) <= std::ranges::max(all.first(third))) return false;
    const auto found = held_at_end_.find(stays.front().stack.value());
    const double kept = found == held_at_end_.end() ? 0 : static_cast<double>(found->second);
    const double half = (bytes.front() + bytes.back()) / 2;
    return kept >= half && !work_grows_as_often(rises.size());
  }

  // Where sequences become longer from step to step, what a line holds of the last one does, too: then many lines
  // allocate more as often as it rises, and hardly ever less.
  [[nodiscard]] bool work_grows_as_often(size_t rises) {
    if (!work_rises_) measure_work();
    const auto enough = std::ranges::lower_bound(*work_rises_, rises * 7 / 10);
    const auto growing = static_cast<size_t>(work_rises_->end() - enough);
    return growing >= 3 && growing * 10 >= work_lines_ * 3;
  }

  void measure_work() {
    struct Work {
      uint64_t before = 0, now = 0;  ///< The largest allocation of an iteration.
      uint32_t point = 0;            ///< The iteration of `now`.
      uint32_t turns = 0, rises = 0, falls = 0;
      void close() {
        ++turns;
        rises += before != 0 && now > before;
        falls += now < before;
        before = now;
        now = 0;
      }
    };
    tsl::robin_map<uint32_t, Work> by_stack;
    const auto& quiet = points_.entries;
    uint32_t point = 0;
    for (uint32_t entry = quiet.front(); entry < quiet.back(); ++entry) {
      while (quiet[point + 1] <= entry) ++point;
      const size_t row = size_t{device_.first_event} + entry;
      if (trace_.events.action[row] != Action::kAlloc) continue;
      Work& work = by_stack[trace_.events.stack[row].value()];
      if (work.point != point && work.now != 0) work.close();
      work.point = point;
      work.now = std::max(work.now, trace_.events.size[row]);
    }
    work_rises_.emplace();
    for (const auto& [stack, work] : by_stack) {
      if (2 * size_t{work.turns} < points()) continue;
      ++work_lines_;
      if (work.falls * 10 <= work.rises) work_rises_->push_back(work.rises);
    }
    std::ranges::sort(*work_rises_);
  }

  [[nodiscard]] Suspect suspect_of(std::span<const Stay> stays, std::span<const Stay> by_stack) const {
    const Series series(stays, points());
    Suspect suspect;
    suspect.first = Bytes(static_cast<uint64_t>(series.bytes.front()));
    suspect.last = Bytes(static_cast<uint64_t>(series.bytes.back()));
    suspect.first_blocks = static_cast<uint64_t>(series.blocks.front());
    suspect.last_blocks = static_cast<uint64_t>(series.blocks.back());
    suspect.bytes_per_iteration = slope_of(series.bytes) / points_.iterations_each;
    suspect.confidence = confidence_of_rise(series.bytes);
    suspect.iterations = iterations_.count() - points_.first_iteration;
    std::optional<double> most;
    for_each_run(by_stack, &Stay::stack, [&](std::span<const Stay> same) {
      const auto last = static_cast<uint32_t>(points());
      double gained = 0;
      for (const Stay& stay : same) {
        if (stay.to == last) gained += static_cast<double>(stay.bytes);
        if (stay.from == 0) gained -= static_cast<double>(stay.bytes);
      }
      if (most && gained <= *most) return;
      most = gained;
      suspect.stack = same.front().stack;
    });
    return suspect;
  }

  const trace::Trace& trace_;
  const trace::Device& device_;
  const History& history_;
  const UserCode& user_code_;
  const Iterations& iterations_;
  uint32_t until_;
  QuietPoints points_;
  std::vector<Stay> stays_;
  bool any_stack_before_ = false;
  tsl::robin_map<uint32_t, uint64_t> held_at_end_;  ///< By stack, in bytes.
  std::vector<Lost> lost_;
  tsl::robin_map<uint32_t, std::vector<trace::FrameIdx>> lines_freed_by_;  // by stack of the free
  std::optional<std::vector<size_t>> work_rises_;  ///< Of lines that allocate more and more: how often, ascending.
  size_t work_lines_ = 0;                          ///< All lines that allocate in every other iteration.
};

}  // namespace

Growth find_growth(const trace::Trace& trace, const trace::Device& device, const History& history,
                   const UserCode& user_code, uint32_t until) {
  Growth growth;
  until = std::min(until, device.event_count);
  growth.iterations = find_iterations(trace, device, history, user_code, until);
  if (growth.iterations.source == Iterations::kNone) return growth;
  growth.suspects = Detective(trace, device, history, user_code, growth.iterations, until).run();
  std::erase_if(growth.suspects, [](const Suspect& suspect) { return suspect.rise() == Bytes(); });
  for (const Suspect& suspect : growth.suspects) growth.rise += suspect.rise();
  return growth;
}

}  // namespace unfrag::analyze
