// Any bytes as the log of a process: no crash, no hang, no more memory than the file is worth, and a Trace all of whose
// indices name something. An input is the beginning of a header and records: the page between them would be in the way.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/allocation_log.h"
#include "base/text.h"
#include "ingest/allocation_log.h"
#include "ingest/log_summary.h"

namespace unfrag::ingest {
namespace {

constexpr size_t kHeaderBytes = 128;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

std::string log_of(std::string_view input) {
  const std::string_view header = input.substr(0, kHeaderBytes);
  std::string log(allocation_log::kRecordsAt, '\0');
  std::memcpy(log.data(), header.data(), header.size());
  return log.append(input.substr(header.size()));
}

void check_trace(const trace::Trace& trace, size_t records) {
  const trace::EventTable& events = trace.events;
  const size_t rows = events.size_rows();
  require(rows <= 2 * records && trace.frames.size() <= records + 1 && trace.stacks.size() <= records + 1,
          "nothing comes of nothing");
  for (uint32_t i = 0; i < trace.stacks.size(); ++i) {
    const auto stack = trace.stacks[trace::StackIdx(i)];
    require(stack.size() <= allocation_log::kMostFrames, "stacks are no deeper than the writer makes them");
    for (const trace::FrameIdx frame : stack) require(frame.value() < trace.frames.size(), "stacks name frames");
  }
  for (size_t i = 0; i < rows; ++i) {
    require(events.action[i] <= trace::Action::kUnknown, "actions are known");
    // A program may ask for more than any device has, and does not get it.
    const uint64_t most = uint64_t{1} << (events.action[i] == trace::Action::kOom ? 60 : 48);
    require(events.size[i] <= most, "events have sizes that make sense");
    require(events.stack[i].value() < trace.stacks.size(), "events name stacks");
    require(events.context[i].value() < trace.contexts.size(), "events name contexts");
  }
  std::vector<bool> owned(rows);
  for (const trace::Device& device : trace.devices) {
    require(uint64_t{device.first_event} + device.event_count <= rows, "devices own events of the table");
    for (uint32_t i = 0; i < device.event_count; ++i) {
      require(!owned[device.first_event + i], "an event is of one device");
      owned[device.first_event + i] = true;
    }
  }
}

void check_summary(const LogSummary& summary, const trace::Trace& trace) {
  size_t entries = 0;
  for (const trace::Device& device : trace.devices) entries += device.event_count;
  require(summary.entries == entries, "both readings see the same entries");
  require(summary.devices.size() == trace.devices.size(), "... and devices");
  for (const auto& [index, holdings] : summary.devices) {
    require(!holdings.empty() && peak_of(holdings) <= summary.peak_reserved(), "a peak is the highest");
    require(std::ranges::is_sorted(holdings, {}, &Holding::time_us), "holdings are in time's order");
  }
  for (const Unanswered& one : summary.unanswered) {
    require(escape_text(one.function) == one.function, "names are printable");
  }
}

void check_bytes(const std::string& bytes) {
  auto log = LogRecords::open(std::make_unique<std::istringstream>(bytes), "log.17");
  if (!log) {
    require(log.error().where == "log.17" && !log.error().what.empty(), "an error says where and what");
    return;
  }
  const auto trace = read_allocation_log(*log, {.major = 2, .minor = 15}).trace;
  check_trace(*trace, bytes.size() / sizeof(allocation_log::Record));
  auto again = LogRecords::open(std::make_unique<std::istringstream>(bytes), "log.17");
  check_summary(summarize_log(*again), *trace);
  require(again->fault() == log->fault(), "both readings end in the same way");
}

}  // namespace
}  // namespace unfrag::ingest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  unfrag::ingest::check_bytes(unfrag::ingest::log_of({reinterpret_cast<const char*>(data), size}));
  return 0;
}
