#include "app/advise.h"

#include "app/recording.h"

namespace unfrag::app {

Result<advise::Advice> advise(const analyze::Explanation& explanation, const advise::AdviseOptions& options) {
  const trace::Trace& trace = *explanation.trace;
  if (explanation.devices.empty() || explanation.devices[explanation.chosen].events == 0) {
    return Error{ErrorKind::kBadInput, "", "the snapshot has no trace: there is nothing to replay",
                 "recording from the start with torch.cuda.memory._record_memory_history()"};
  }
  const analyze::DeviceFindings& findings = explanation.devices[explanation.chosen];
  const auto device = find_gpu(trace, findings.index);
  if (!device) return device.error();
  return advise::advise(trace, **device, findings, options);
}

}  // namespace unfrag::app
