#include "report/explain_words.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/names.h"
#include "report/page.h"

namespace unfrag::report {

using analyze::DeviceFindings;
using analyze::Explanation;

std::string about_recording(const Explanation& e) {
  const trace::Trace& trace = *e.trace;
  std::string about = fmt::format("{}: a memory snapshot", display_path(e.path));
  if (trace.dialect.known())
    about += fmt::format(" of PyTorch {}.{} or later", trace.dialect.major, trace.dialect.minor);
  about += fmt::format(", {}", format_bytes(Bytes(e.bytes)));
  if (trace.truncated) about += ", CUT OFF";
  return about;
}

std::string nothing_to_see(const Explanation& e) {
  const auto& conf = e.trace->settings.conf;
  if (conf && conf->find("cudaMallocAsync") != std::string::npos) {
    return "Nothing to see: the recording was made with backend:cudaMallocAsync, where the driver places the memory "
           "and PyTorch records neither segments nor a trace. Record once without that setting.";
  }
  return "Nothing to see: no segments and no trace. Either nothing had been allocated on a GPU when the snapshot was "
         "taken, or memory did not go through PyTorch's caching allocator (backend:cudaMallocAsync, "
         "PYTORCH_NO_CUDA_MEMORY_CACHING=1, a pluggable allocator).";
}

std::string coverage(const Explanation& e, const DeviceFindings& d) {
  if (d.events == 0) {
    return "No trace was recorded, so only the moment of the snapshot is known. To know more, record from the start: "
           "torch.cuda.memory._record_memory_history()";
  }
  std::string said = fmt::format("Recorded: {}, {}.", trace_entries(d.events),
                                 d.complete ? "from the process's first allocation" : "beginning mid-way");
  if (!d.complete) {
    said +=
        " To know more, record from before the first allocation, with a larger max_entries: "
        "torch.cuda.memory._record_memory_history(max_entries=1_000_000)";
  } else if (e.trace->stacks.size() <= 1) {
    said += " To know who holds what, record stacks: torch.cuda.memory._record_memory_history(context=\"all\")";
  }
  return said;
}

std::string device_summary(const DeviceFindings& d) {
  return fmt::format("{}, {} reserved, {} allocated, {}{}", analyze::verdict_name(d.verdict.kind),
                     format_bytes(d.now.usage.reserved), format_bytes(d.now.usage.allocated), trace_entries(d.events),
                     d.ooms.empty() ? "" : ", ran out of memory");
}

std::vector<std::string> all_warnings(const Explanation& e) {
  std::vector<std::string> all;
  for (const std::string& warning : e.trace->warnings) all.push_back(escape_text(warning));
  for (const auto* list : {&e.devices, &e.host}) {
    for (const DeviceFindings& d : *list) {
      for (const std::string& warning : d.warnings) {
        all.push_back(fmt::format("{}: {}", Names::device(d), escape_text(warning)));
      }
    }
  }
  return all;
}

bool worth_advising(const DeviceFindings& d) { return d.events > 0 && d.verdict.kind != analyze::VerdictKind::kGrowth; }

}  // namespace unfrag::report
