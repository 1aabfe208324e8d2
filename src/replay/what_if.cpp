#include "replay/what_if.h"

#include <utility>

namespace unfrag::replay {

Conditions conditions_with(const Recorded& recorded, const Card& card, const alloc::Settings& settings) {
  Conditions conditions = recorded.conditions;
  conditions.settings = settings;
  // Without a card the limits are those the recording tells, whatever the settings.
  conditions.limits = card.memory ? limits_of(card, settings, conditions.rules) : recorded.asked;
  return conditions;
}

Result<Answer> replay(const trace::Trace& trace, const trace::Device& device, const History& history,
                      const Question& question) {
  auto recorded = read_recording(trace, device, history, question.read);
  if (!recorded) return recorded.error();
  const alloc::Settings& as_recorded = recorded->conditions.settings;
  Answer answer;
  answer.conditions = conditions_with(*recorded, question.read.card, question.settings.value_or(as_recorded));
  answer.what_if = recorded->card_is_what_if || answer.conditions.settings != as_recorded;
  answer.recorded = std::move(*recorded);
  const Reading& reading = answer.recorded.reading;
  if (!answer.what_if) {
    answer.outcome.statistics = reading.statistics;
    return answer;
  }
  answer.outcome = run_program(reading.program, answer.conditions, nullptr);
  for (const Direction direction : {Direction::kUp, Direction::kDown, Direction::kByTurns}) {
    if (direction == answer.conditions.direction) continue;
    Conditions other = answer.conditions;
    other.direction = direction;
    const Outcome outcome = run_program(reading.program, other, nullptr);
    if (!same_figures(outcome, answer.outcome)) answer.other_orders.emplace_back(direction, outcome);
  }
  return answer;
}

}  // namespace unfrag::replay
