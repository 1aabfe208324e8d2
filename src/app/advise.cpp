#include "app/advise.h"

#include "app/recording.h"
#include "app/replay.h"

namespace unfrag::app {

Result<advise::Advice> advise(const analyze::Explanation& explanation, const advise::AdviseOptions& options) {
  const trace::Trace& trace = *explanation.trace;
  const auto device = find_gpu(
      trace, explanation.devices.empty() ? std::nullopt : std::optional(explanation.devices[explanation.chosen].index));
  if (!device) return device.error();
  if (const auto question = ask(trace, **device, options.read, std::nullopt); !question) return question.error();
  const analyze::DeviceFindings& findings = explanation.devices[explanation.chosen];
  return advise::advise(trace, **device, findings, options);
}

}  // namespace unfrag::app
