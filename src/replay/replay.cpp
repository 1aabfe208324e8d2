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

}  // namespace

double Recorded::reserved_error_percent() const {
  if (file_reserved_peak == Bytes()) return 0;
  const auto recorded = static_cast<double>(file_reserved_peak.value());
  return 100 * (static_cast<double>(reading.statistics.reserved.peak.value()) - recorded) / recorded;
}

Result<Recorded> read_recording(const trace::Trace& trace, const trace::Device& device, const History& history,
                                const ReadOptions& options) {
  std::optional<Recorded> best;
  const alloc::Version version = options.version.value_or(recorded_version(trace));
  const auto try_with = [&](const alloc::Rules& rules, const Card& card) -> std::optional<Error> {
    Recorded recorded;
    recorded.version = version;
    recorded.complete = history.complete;
    recorded.file_reserved_peak = recorded_reserved_peak(trace, device);
    recorded.conditions.settings = recorded_settings(trace);
    recorded.conditions.rules = rules;
    recorded.conditions.limits = find_limits(trace, device, card, recorded.conditions.settings, rules);
    recorded.conditions.direction = options.direction.value_or(recorded_direction(trace, device));
    recorded.card_is_what_if = options.card.given() && card != options.card;
    recorded.asked = recorded.card_is_what_if ? best->conditions.limits : recorded.conditions.limits;
    auto reading = read_program(trace, device, history, recorded.conditions);
    if (!reading) return reading.error();
    recorded.reading = std::move(*reading);
    if (!best || agreement(recorded.reading) > agreement(best->reading)) best = std::move(recorded);
    return std::nullopt;
  };
  for (const alloc::Rules& rules : possible_rules(version)) {
    if (auto error = try_with(rules, options.card)) return *error;
    if (!best->reading.divergence) return std::move(*best);
  }
  if (options.card.given()) {
    if (auto error = try_with(best->conditions.rules, Card{})) return *error;
  }
  Conditions unlimited = best->conditions;
  unlimited.limits = find_limits(trace, device, Card{}, unlimited.settings, unlimited.rules);
  if (auto inferred = infer_limit(trace, device, history, unlimited, best->reading)) {
    best->card_is_what_if = options.card.given();
    if (!best->card_is_what_if) best->asked.limit = inferred->limit;
    best->conditions.limits = unlimited.limits;
    best->conditions.limits.limit = inferred->limit;
    best->limit_inferred = true;
    best->reading = std::move(inferred->reading);
  }
  return std::move(*best);
}

std::optional<Settled> settle_sizes(const trace::Trace& trace, const trace::Device& device, const ReadOptions& options,
                                    History& history) {
  if (!history.complete) return std::nullopt;
  const auto recorded = read_recording(trace, device, history, options);
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
  return {.statistics = runner.policy().statistics(),
          .rescued = runner.rescued(),
          .newly_refused = runner.newly_refused(),
          .active_at_rescue = runner.active_at_rescue()};
}

}  // namespace unfrag::replay
