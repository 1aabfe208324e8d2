// Any bytes as a snapshot, replayed as it was and under other settings: no crash, no hang, no broken invariant.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "ingest/snapshot_reader.h"
#include "replay/to_trace.h"
#include "replay/what_if.h"

namespace unfrag::replay {
namespace {

constexpr Bytes kMaxUnpacked = 256_KiB;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

alloc::Settings settings_for(size_t size) {
  constexpr std::array<std::string_view, 6> kConfs = {
      "expandable_segments:True",
      "max_split_size_mb:64",
      "roundup_power2_divisions:4",
      "garbage_collection_threshold:0.6,per_process_memory_fraction:0.5",
      "expandable_segments:True,large_segment_size_mb:64",
      ""};
  const auto settings = alloc::parse_settings(kConfs[size % kConfs.size()], alloc::kNewest);
  require(settings.ok(), "the settings are right");
  return *settings;
}

void check(const alloc::Statistics& s) {
  require(s.active.peak <= s.reserved.peak, "what is active is reserved");
  require(s.allocated.peak <= s.active.peak, "what is allocated is active");
  require(s.requested.peak <= s.active.peak, "blocks hold what was requested");
}

void replay_device(const trace::Trace& trace, const trace::Device& device, size_t size) {
  const History history = build_history(trace, device);
  Question question{.read = {}, .settings = {}};
  if (size % 2 == 0) question.settings = settings_for(size);
  if (size % 3 == 0) question.read.card.memory = Bytes(size << 20);
  const auto answer = replay(trace, device, history, question);
  if (!answer) return;
  const Program& program = answer->recorded.reading.program;
  Log log;
  Runner runner(program, answer->conditions, &log);
  runner.run();
  if (program.initial.empty()) check(runner.policy().statistics());
  // A state that a made-up file claims to have found need not be one.
  if (program.initial.empty()) {
    require(!runner.policy().find_fault(alloc::CachingPolicy::Check::kIndices), "the policy's invariants");
  }
  const trace::Trace result = to_trace(trace, device, program, runner, log);
  require(result.devices.size() <= 1, "one device comes out");
}

}  // namespace
}  // namespace unfrag::replay

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto snapshot = unfrag::ingest::read_snapshot(std::make_unique<unfrag::ingest::MemorySource>(bytes),
                                                      {.max_unpacked = unfrag::replay::kMaxUnpacked});
  if (!snapshot) return 0;
  for (const unfrag::trace::Device& device : snapshot->trace->devices) {
    const bool gpu = device.kind == unfrag::trace::DeviceKind::kGpu;
    if (gpu && device.event_count > 0) unfrag::replay::replay_device(*snapshot->trace, device, size);
  }
  return 0;
}
