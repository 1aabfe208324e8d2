#include "advise/advice.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "advise/candidates.h"
#include "advise/device_cost.h"
#include "advise/parallel.h"

namespace unfrag::advise {
namespace {

using replay::Conditions;
using replay::Direction;
using replay::Outcome;
using replay::Program;

/// The least device is found to this part of itself.
constexpr uint64_t kFineness = 256;
constexpr uint64_t kGranule = (2_MiB).value();

std::optional<Bytes> allowed(const replay::Limits& limits) {
  if (!limits.capacity) return limits.limit;
  return limits.limit ? std::min(*limits.limit, *limits.capacity) : *limits.capacity;
}

bool serves_all(const Program& program, Conditions conditions, Bytes memory) {
  conditions.limits.capacity = conditions.limits.total = memory;
  // The garbage collector works towards a limit: all of the device.
  conditions.limits.limit = conditions.settings.garbage_collection_threshold > 0 ? std::optional(memory) : std::nullopt;
  return replay::run_program(program, conditions, nullptr).statistics.num_ooms == 0;
}

/// A memory with which no request fails and a little less of which one does, in whole granules, to a part in kFineness.
/// More often than not it is the least; failures need not fall with memory.
std::optional<Bytes> find_need(const Program& program, Conditions conditions) {
  conditions.limits.limit.reset();
  conditions.limits.capacity.reset();
  const alloc::Statistics without_end = replay::run_program(program, conditions, nullptr).statistics;
  const auto granules = [](Bytes bytes) { return (bytes.value() + kGranule - 1) / kGranule; };
  uint64_t enough = granules(without_end.reserved.peak);
  if (without_end.num_ooms > 0 || !serves_all(program, conditions, Bytes(enough * kGranule))) return std::nullopt;
  uint64_t few = granules(without_end.active.peak);
  if (few > 0) --few;
  while (enough - few > std::max<uint64_t>(1, enough / kFineness)) {
    const uint64_t middle = few + (enough - few) / 2;
    (serves_all(program, conditions, Bytes(middle * kGranule)) ? enough : few) = middle;
  }
  return Bytes(enough * kGranule);
}

/// The requests that fail under what is in force, as rows of the program.
std::vector<size_t> refused_ops(const Program& program, const Conditions& in_force) {
  std::vector<size_t> refused;
  replay::Runner runner(program, in_force, nullptr);
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const uint64_t before = runner.policy().statistics().num_ooms;
    runner.step(program.ops[i]);
    if (runner.policy().statistics().num_ooms > before) refused.push_back(i);
  }
  return refused;
}

/// Runs the candidate and sees which of `refused` it serves, and how much is active then.
void run_and_watch(const Program& program, const Conditions& conditions, const std::vector<size_t>& refused,
                   Candidate& candidate) {
  replay::Runner runner(program, conditions, nullptr);
  auto watched = refused.begin();
  Bytes active;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    runner.step(program.ops[i]);
    if (watched == refused.end() || *watched != i) continue;
    ++watched;
    candidate.serves_last = !runner.block_of(program.ops[i].life).is_none();
    if (!candidate.serves_last) continue;
    ++candidate.served;
    active = std::max(active, runner.policy().statistics().active.current);
  }
  const alloc::Statistics& statistics = runner.policy().statistics();
  candidate.outcome = {.statistics = statistics, .rescued = runner.rescued(), .newly_refused = runner.newly_refused()};
  if (candidate.served == 0) active = statistics.active.peak;
  if (const auto may = allowed(conditions.limits)) candidate.left = minus_or_zero(*may, active);
}

void measure(const Program& program, const Conditions& asked, const std::vector<size_t>& refused,
             Candidate& candidate) {
  Conditions conditions = asked;
  conditions.settings = candidate.settings;
  run_and_watch(program, conditions, refused, candidate);
  candidate.most_ooms = candidate.outcome.statistics.num_ooms;
  for (const Direction direction : {Direction::kUp, Direction::kDown, Direction::kByTurns}) {
    if (direction == asked.direction) continue;
    conditions.direction = direction;
    const Outcome other = replay::run_program(program, conditions, nullptr);
    candidate.depends_on_addresses = candidate.depends_on_addresses || !same_figures(other, candidate.outcome);
    candidate.most_ooms = std::max(candidate.most_ooms, other.statistics.num_ooms);
  }
  candidate.device_calls_ms = device_calls_ms(candidate.outcome.statistics);
}

void fold(std::vector<Candidate>& candidates) {
  for (size_t i = 1; i < candidates.size(); ++i) {
    for (size_t earlier = 0; earlier < i && !candidates[i].same_as; ++earlier) {
      const Candidate& other = candidates[earlier];
      const bool same = other.outcome == candidates[i].outcome && other.most_ooms == candidates[i].most_ooms;
      if (same && !other.same_as) candidates[i].same_as = earlier;
    }
  }
}

/// Candidates that do about as well as the best with as few failures: then the simpler is better, then one that does
/// not hang on this program's sizes, then the one that asks the device less.
struct Ranking {
  explicit Ranking(const std::vector<Candidate>& candidates) : candidates_(candidates) {
    for (const Candidate& c : candidates) {
      const auto [at, added] = least_.emplace(c.most_ooms, reserved(c));
      if (!added) at->second = std::min(at->second, reserved(c));
    }
  }

  [[nodiscard]] auto key(size_t i) const {
    const Candidate& c = candidates_[i];
    const Bytes least = least_.at(c.most_ooms);
    const bool near = reserved(c).value() <= least.value() + least.value() / 100 * kEqualPercent;
    return std::tuple(c.same_as.has_value(), c.most_ooms, near ? least : reserved(c), key_count(c.settings),
                      !c.settings.expandable_segments, c.device_calls_ms, i);
  }

 private:
  static Bytes reserved(const Candidate& c) { return c.outcome.statistics.reserved.peak; }

  const std::vector<Candidate>& candidates_;
  std::map<uint64_t, Bytes> least_;  // by failures
};

// What is in force stays first, folded ones come last.
void rank(std::vector<Candidate>& candidates) {
  std::vector<size_t> order(candidates.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const Ranking ranking(candidates);
  std::sort(order.begin() + 1, order.end(), [&](size_t a, size_t b) { return ranking.key(a) < ranking.key(b); });
  std::vector<size_t> place(candidates.size());
  for (size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  std::vector<Candidate> ranked;
  ranked.reserve(candidates.size());
  for (const size_t i : order) ranked.push_back(std::move(candidates[i]));
  for (Candidate& candidate : ranked) {
    if (candidate.same_as) candidate.same_as = place[*candidate.same_as];
  }
  candidates = std::move(ranked);
}

bool is_worth(const Candidate& candidate, const Candidate& in_force) {
  const uint64_t before = in_force.outcome.statistics.num_ooms;
  // A program runs no further for being spared a few of many failures.
  if (before > 0) return 2 * candidate.most_ooms <= before;
  if (candidate.most_ooms > 0) return false;
  const Bytes now = candidate.outcome.statistics.reserved.peak;
  const Bytes then = in_force.outcome.statistics.reserved.peak;
  return now.value() + then.value() / 100 * kWorthPercent <= then.value();
}

std::optional<size_t> choose(const std::vector<Candidate>& ranked) {
  for (size_t i = 1; i < ranked.size(); ++i) {
    if (!ranked[i].same_as && is_worth(ranked[i], ranked[0])) return i;
  }
  return std::nullopt;
}

}  // namespace

Result<Advice> advise(const trace::Trace& trace, const trace::Device& device, const analyze::DeviceFindings& findings,
                      const AdviseOptions& options) {
  const replay::History history = replay::build_history(trace, device);
  auto recorded = replay::read_recording(trace, device, history, options.read);
  if (!recorded) return recorded.error();
  Advice advice;
  advice.read = options.read;
  const alloc::Settings in_force = recorded->conditions.settings;
  advice.conditions = replay::conditions_with(*recorded, options.read.card, in_force);
  advice.recorded = std::move(*recorded);
  const Program& program = advice.recorded.reading.program;
  const alloc::Version version = advice.recorded.version;
  for (const alloc::Settings& settings :
       candidate_settings(in_force, version, advice.conditions.limits.limit.has_value())) {
    advice.candidates.push_back({.settings = settings,
                                 .conf = alloc::to_conf(settings, trace.settings.conf.value_or("")),
                                 .outcome = {},
                                 .drawbacks = drawbacks_of(settings, version)});
  }
  std::vector<Candidate>& candidates = advice.candidates;
  size_t done_before = 0;
  const auto progress = [&](size_t done) {
    if (options.progress) options.progress(done_before + done, 2 * candidates.size());
  };
  const std::vector<size_t> refused = refused_ops(program, advice.conditions);
  for_each_index(
      candidates.size(), [&](size_t i) { measure(program, advice.conditions, refused, candidates[i]); }, progress);
  fold(candidates);
  done_before = candidates.size();
  for_each_index(
      candidates.size(),
      [&](size_t i) {
        Conditions conditions = advice.conditions;
        conditions.settings = candidates[i].settings;
        if (!candidates[i].same_as) candidates[i].needs = find_need(program, conditions);
      },
      progress);
  for (Candidate& candidate : candidates) {
    if (candidate.same_as) candidate.needs = candidates[*candidate.same_as].needs;
  }
  rank(candidates);
  const bool failed_here = !findings.ooms.empty() && !findings.wanted && !advice.recorded.card_is_what_if;
  const bool full = failed_here && findings.verdict.kind == analyze::VerdictKind::kCapacity;
  if (full) {
    advice.why_none = NoAdvice::kCapacity;
  } else {
    advice.recommended = choose(candidates);
    if (!advice.recommended) advice.why_none = NoAdvice::kAsGood;
  }
  return advice;
}

}  // namespace unfrag::advise
