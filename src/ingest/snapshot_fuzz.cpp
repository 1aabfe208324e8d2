// Any bytes as a snapshot, in any wrapping: no crash, no hang, and a Trace all of whose indices name something.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "ingest/snapshot_reader.h"

namespace unfrag::ingest {
namespace {

using trace::Trace;

constexpr uint64_t kSizeLimit = uint64_t{1} << 48;  // larger sizes are left out
constexpr Bytes kMaxUnpacked = 256_KiB;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

bool in_range(const Trace& trace, trace::StringIdx string) { return string.value() < trace.strings.size(); }
bool in_range(const Trace& trace, trace::StackIdx stack) { return stack.value() < trace.stacks.size(); }

void check_tables(const Trace& trace) {
  for (uint32_t i = 0; i < trace.frames.size(); ++i) {
    const trace::Frame& frame = trace.frames[trace::FrameIdx(i)];
    require(in_range(trace, frame.name) && in_range(trace, frame.filename) && in_range(trace, frame.extra),
            "frames name strings");
  }
  for (uint32_t i = 0; i < trace.stacks.size(); ++i) {
    for (const trace::FrameIdx frame : trace.stacks[trace::StackIdx(i)]) {
      require(frame.value() < trace.frames.size(), "stacks name frames");
    }
  }
  for (uint32_t i = 0; i < trace.contexts.size(); ++i) {
    const trace::EventContext& context = trace.contexts[trace::ContextIdx(i)];
    require(in_range(trace, context.compile_context) && in_range(trace, context.user_metadata) &&
                in_range(trace, context.internal_metadata) && in_range(trace, context.category),
            "contexts name strings");
    require(in_range(trace, context.forward_stack), "contexts name stacks");
  }
}

void check_events(const Trace& trace) {
  const trace::EventTable& events = trace.events;
  const size_t rows = events.size_rows();
  require(events.addr.size() == rows && events.size.size() == rows && events.stack.size() == rows &&
              events.context.size() == rows,
          "event columns are of one length");
  require(events.time_us.empty() || events.time_us.size() == rows, "times are of all events or none");
  for (size_t i = 0; i < rows; ++i) {
    require(events.action[i] <= trace::Action::kUnknown, "actions are known");
    require(events.size[i] < kSizeLimit, "events have sizes that make sense");
    require(in_range(trace, events.stack[i]), "events name stacks");
    require(events.context[i].value() < trace.contexts.size(), "events name contexts");
  }
}

void check_blocks(const Trace& trace) {
  const trace::BlockTable& blocks = trace.blocks;
  const size_t rows = blocks.size_rows();
  require(blocks.size.size() == rows && blocks.requested.size() == rows && blocks.state.size() == rows &&
              blocks.stack.size() == rows && blocks.forward_stack.size() == rows && blocks.user_metadata.size() == rows,
          "block columns are of one length");
  for (size_t i = 0; i < rows; ++i) {
    require(blocks.size[i] < kSizeLimit && blocks.requested[i] <= blocks.size[i], "blocks have sizes that make sense");
    require(in_range(trace, blocks.stack[i]) && in_range(trace, blocks.forward_stack[i]), "blocks name stacks");
    require(in_range(trace, blocks.user_metadata[i]), "blocks name strings");
  }
}

void check_segments(const Trace& trace) {
  std::vector<bool> owned(trace.blocks.size_rows());
  for (const trace::Segment& segment : trace.segments) {
    require(segment.total.value() < kSizeLimit, "segments have sizes that make sense");
    require(in_range(trace, segment.stack), "segments name stacks");
    require(uint64_t{segment.first_block} + segment.block_count <= owned.size(), "segments own blocks of the table");
    for (uint32_t i = 0; i < segment.block_count; ++i) {
      require(!owned[segment.first_block + i], "a block is of one segment");
      owned[segment.first_block + i] = true;
    }
  }
}

void check_devices(const Trace& trace) {
  uint64_t segments = 0;
  std::vector<bool> owned(trace.events.size_rows());
  const trace::Device* before = nullptr;
  for (const trace::Device& device : trace.devices) {
    require(device.first_segment == segments, "devices own the segments in turn");
    segments += device.segment_count;
    require(segments <= trace.segments.size(), "devices own segments of the table");
    for (uint32_t i = 1; i < device.segment_count; ++i) {
      const trace::Segment* segment = &trace.segments[device.first_segment + i];
      require(segment[-1].addr <= segment->addr, "segments are in address order");
    }
    require(uint64_t{device.first_event} + device.event_count <= owned.size(), "devices own events of the table");
    for (uint32_t i = 0; i < device.event_count; ++i) {
      require(!owned[device.first_event + i], "an event is of one device");
      owned[device.first_event + i] = true;
    }
    require(before == nullptr || before->kind < device.kind || before->index < device.index, "devices are in order");
    before = &device;
  }
  require(segments == trace.segments.size(), "every segment is of a device");
}

void check_texts(const Trace& trace) {
  for (const trace::Annotation& annotation : trace.annotations) {
    require(in_range(trace, annotation.name), "annotations name strings");
  }
  for (const std::string& warning : trace.warnings) require(escape_text(warning) == warning, "warnings are printable");
  require(!trace.truncated || !trace.warnings.empty(), "a cut file has a warning");
}

}  // namespace
}  // namespace unfrag::ingest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace unfrag::ingest;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto snapshot = read_snapshot(std::make_unique<MemorySource>(bytes), {.max_unpacked = kMaxUnpacked});
  if (!snapshot) {
    require(!snapshot.error().what.empty(), "an error says what is wrong");
    return 0;
  }
  const unfrag::trace::Trace& trace = *snapshot->trace;
  check_tables(trace);
  check_events(trace);
  check_blocks(trace);
  check_segments(trace);
  check_devices(trace);
  check_texts(trace);
  return 0;
}
