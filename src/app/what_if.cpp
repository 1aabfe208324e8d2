#include "app/what_if.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "app/replay.h"
#include "base/text.h"

namespace unfrag::app {
namespace {

// "train.pickle with expandable_segments:True on 16.00 GiB"
std::string label_of(const std::string& path, const replay::Answer& answer) {
  std::string label = path == "-" ? "standard input" : path;
  if (!answer.what_if) label += " replayed";
  if (answer.conditions.settings != answer.recorded.conditions.settings) {
    const std::string conf = alloc::to_conf(answer.conditions.settings);
    label += fmt::format(" with {}", conf.empty() ? "the default settings" : conf);
  }
  if (answer.recorded.card_is_what_if && answer.conditions.limits.total) {
    label += fmt::format(" on {}", format_bytes(*answer.conditions.limits.total));
  }
  return label;
}

}  // namespace

Recording recording_of(const replay::Replayed& replayed) {
  const trace::Trace& trace = *replayed.trace;
  const replay::History history = replay::build_history(trace, *replayed.device);
  return {.path = label_of(replayed.path, replayed.answer),
          .bytes = 0,
          .trace = std::make_shared<const trace::Trace>(result_of(replayed.answer, trace, *replayed.device, history))};
}

Result<analyze::Explanation> explain_what_if(const analyze::Explanation& explanation,
                                             const std::optional<std::string>& conf, const ExplainOptions& options) {
  const trace::Trace& trace = *explanation.trace;
  const auto device = find_gpu(
      trace, explanation.devices.empty() ? std::nullopt : std::optional(explanation.devices[explanation.chosen].index));
  if (!device) return device.error();
  auto question = ask(trace, **device, options.read, conf);
  if (!question) return question.error();
  const replay::History history = replay::build_history(trace, **device);
  const auto answer = replay::replay(trace, **device, history, *question);
  if (!answer) return answer.error();
  if (!answer->what_if) {
    return Error{ErrorKind::kUsage, "", "that is how it was recorded: there is nothing to compare",
                 "--conf with other settings, or --memory with another size"};
  }
  auto result = std::make_unique<trace::Trace>(result_of(*answer, trace, **device, history));
  ExplainOptions own;
  own.grouping = options.grouping;
  auto explained =
      explain(Recording{.path = label_of(explanation.path, *answer), .bytes = 0, .trace = std::move(result)}, own);
  if (explained && !explained->devices.empty()) {
    explained->devices[explained->chosen].replayed = replay::Settled{.statistics = answer->outcome.statistics};
  }
  return explained;
}

}  // namespace unfrag::app
