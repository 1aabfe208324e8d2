#include "replay/replay.h"

#include <tuple>
#include <utility>
#include <vector>

#include "replay/infer_limit.h"

namespace unfrag::replay {
namespace {

uint32_t agreement(const Reading& reading) { return reading.divergence ? reading.divergence->entry : UINT32_MAX; }

/// The rules a recording may follow. Which tie-break a 2.12 has is not established: it has to tell by itself.
std::vector<alloc::Rules> possible_rules(alloc::Version version) {
  alloc::Rules rules = alloc::rules_of(version);
  if (version != alloc::Version{2, 12}) return {rules};
  std::vector<alloc::Rules> both(2, rules);
  both[1].oldest_segment_first = !rules.oldest_segment_first;
  return both;
}

/// Reads under several rules and limits, and keeps what agrees best.
class Attempts {
 public:
  Attempts(const trace::Trace& trace, const trace::Device& device, const History& history, const ReadOptions& options)
      : trace_(trace), device_(device), history_(history), options_(options) {
    base_.version = options.version.value_or(recorded_version(trace));
    base_.complete = history.complete;
    base_.file_reserved_peak = recorded_reserved_peak(trace, device, history);
    base_.conditions.settings = initial_settings(trace);
    base_.conditions.version = base_.version;
    base_.conditions.direction = options.direction.value_or(recorded_direction(trace, device, history));
  }

  Result<Recorded> run() {
    for (const alloc::Rules& rules : possible_rules(base_.version)) {
      if (auto error = attempt(rules, options_.card.memory.has_value())) return *error;
      if (is_settled()) return std::move(*best_);
    }
    // The card contradicts the recording, or explains it by a release that nothing proves: as it was without one?
    if (options_.card.memory) {
      if (auto error = attempt(best_->conditions.rules, /*on_card=*/false)) return *error;
    }
    if (best_->reading.divergence) infer_limit_of_best();
    return std::move(*best_);
  }

 private:
  [[nodiscard]] bool is_settled() const {
    return !best_->reading.divergence && (best_->reading.releases_read == 0 || !options_.card.memory);
  }

  /// First agreement, then fewest guesses.
  [[nodiscard]] static std::pair<uint32_t, uint64_t> merit(const Reading& reading) {
    return {agreement(reading), UINT64_MAX - reading.releases_read};
  }

  [[nodiscard]] Limits limits(const alloc::Rules& rules, bool on_card) const {
    const alloc::Settings& settings = base_.conditions.settings;
    return on_card ? limits_of(options_.card, settings, rules) : find_limits(trace_, device_, history_, settings);
  }

  std::optional<Error> attempt(const alloc::Rules& rules, bool on_card) {
    Recorded recorded = base_;
    recorded.conditions.rules = rules;
    recorded.conditions.limits = limits(rules, on_card);
    recorded.card_is_what_if = options_.card.memory && !on_card;
    recorded.asked = recorded.card_is_what_if ? limits(rules, /*on_card=*/true) : recorded.conditions.limits;
    auto reading = read_program(trace_, device_, history_, recorded.conditions, options_.want);
    if (!reading) return reading.error();
    recorded.reading = std::move(*reading);
    if (!best_ || merit(recorded.reading) > merit(best_->reading)) best_ = std::move(recorded);
    return std::nullopt;
  }

  void infer_limit_of_best() {
    Conditions unlimited = best_->conditions;
    unlimited.limits = limits(unlimited.rules, /*on_card=*/false);
    auto inferred = infer_limit(trace_, device_, history_, unlimited, best_->reading, options_.want);
    if (!inferred) return;
    unlimited.limits.limit = inferred->limit;
    best_->conditions = unlimited;
    best_->card_is_what_if = options_.card.memory.has_value();
    if (!best_->card_is_what_if) best_->asked = unlimited.limits;
    best_->limit_inferred = true;
    best_->reading = std::move(inferred->reading);
  }

  const trace::Trace& trace_;
  const trace::Device& device_;
  const History& history_;
  const ReadOptions& options_;
  Recorded base_;
  std::optional<Recorded> best_;
};

}  // namespace

double Recorded::reserved_error_percent() const {
  if (file_reserved_peak == Bytes()) return 0;
  const auto recorded = static_cast<double>(file_reserved_peak.value());
  return 100 * (static_cast<double>(reading.statistics.reserved.peak.value()) - recorded) / recorded;
}

Result<Recorded> read_recording(const trace::Trace& trace, const trace::Device& device, const History& history,
                                const ReadOptions& options) {
  return Attempts(trace, device, history, options).run();
}

std::optional<Settled> settle_sizes(const trace::Trace& trace, const trace::Device& device, const ReadOptions& options,
                                    History& history) {
  if (!history.complete) return std::nullopt;
  ReadOptions sizes = options;
  sizes.want = Want::kSizes;
  const auto recorded = read_recording(trace, device, history, sizes);
  if (!recorded) return std::nullopt;
  for (uint32_t i = 0; i < history.lives.size(); ++i) {
    Life& life = history.lives[i];
    if (life.size_exact || recorded->reading.size_of_life[i] == 0) continue;
    life.size = recorded->reading.size_of_life[i];
    life.size_exact = true;
  }
  if (!recorded->exact()) return std::nullopt;
  history.sizes_are_lower_bounds = false;
  return Settled{.statistics = recorded->reading.statistics, .releases_guessed = recorded->reading.releases_read > 0};
}

bool same_figures(const Outcome& a, const Outcome& b) {
  const auto figures = [](const Outcome& outcome) {
    const alloc::Statistics& s = outcome.statistics;
    return std::tuple(s.reserved.peak, s.num_ooms, s.num_alloc_retries, s.num_device_alloc, s.num_device_free,
                      outcome.rescued, outcome.newly_refused);
  };
  return figures(a) == figures(b);
}

Outcome run_program(const Program& program, const Conditions& conditions, Log* log) {
  Runner runner(program, conditions, log);
  runner.run();
  return {
      .statistics = runner.policy().statistics(), .rescued = runner.rescued(), .newly_refused = runner.newly_refused()};
}

}  // namespace unfrag::replay
