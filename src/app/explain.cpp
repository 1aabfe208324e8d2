#include "app/explain.h"

#include <utility>

namespace unfrag::app {
Result<analyze::Explanation> explain(const std::string& path, const ExplainOptions& options) {
  auto recording = open_recording(path, options.open);
  if (!recording) return recording.error();
  return explain(std::move(*recording), options);
}

Result<analyze::Explanation> explain(Recording recording, const ExplainOptions& options) {
  analyze::Explanation explanation;
  explanation.path = std::move(recording.path);
  explanation.bytes = recording.bytes;
  explanation.trace = std::move(recording.trace);
  explanation.user_code = std::make_unique<analyze::UserCode>(*explanation.trace);
  explanation.grouping = options.grouping;
  const trace::Trace& trace = *explanation.trace;
  const auto chosen = choose_gpu(trace, options.device);
  if (!chosen) return chosen.error();
  explanation.chosen = *chosen;

  analyze::StackRoles roles(trace, *explanation.user_code);
  for (const trace::Device& device : trace.devices) {
    const bool gpu = device.kind == trace::DeviceKind::kGpu;
    // A moment is one of the chosen device's: the others are shown as by default.
    const bool asked = gpu && explanation.devices.size() == explanation.chosen;
    auto findings = analyze::examine(trace, device, *explanation.user_code, roles,
                                     {.at = asked ? options.at : analyze::Moment{},
                                      .grouping = options.grouping,
                                      .read = gpu ? options.read : replay::ReadOptions{},
                                      .want = asked ? options.want : std::nullopt,
                                      .want_stream = options.want_stream});
    if (!findings) return findings.error();
    (gpu ? explanation.devices : explanation.host).push_back(std::move(*findings));
  }
  return explanation;
}

analyze::MemoryState memory_of(const analyze::Explanation& explanation, const analyze::DeviceFindings& findings,
                               const replay::ReadOptions& read) {
  for (const trace::Device& device : explanation.trace->devices) {
    if (device.kind == findings.kind && device.index == findings.index) {
      return analyze::state_of(*explanation.trace, device, findings, read);
    }
  }
  return {};
}

}  // namespace unfrag::app
