#include "rehearsal/null/tracker.h"

#include <link.h>
#include <time.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>

#include "rehearsal/null/device_memory.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/python_frames.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/value_at.h"
#include "rehearsal/null/workspaces.h"

namespace unfrag::null {
namespace {

using allocation_log::Kind;
using allocation_log::Record;

/// The beginning of a TraceEntry; the same from 2.6 to 2.15 but for the pool.
struct TraceEntry {
  int action;
  signed char device;
  uint64_t addr;
  void* context[2];  // std::shared_ptr<GatheredContext>
  uint64_t stream;
  uint64_t size;
  uint64_t pool[2];  // only where Stage::entries_have_pool
};
constexpr int kAlloc = 0;

int64_t now_us() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

void write_entry(const TraceEntry& entry) {
  Record record{.kind = Kind::kEvent,
                .action = static_cast<uint8_t>(entry.action),
                .device = static_cast<uint16_t>(entry.device),
                .addr = entry.addr,
                .size = entry.size,
                .stream = entry.stream,
                .time_us = now_us(),
                .stack = current_stack()};
  if (stage().entries_have_pool) {
    record.first = entry.pool[0];
    record.second = entry.pool[1];
  }
  log_record(record);
  if (entry.action != kAlloc) return;
  note_allocation(entry.addr, entry.size);
  device_memory().forget(entry.addr, entry.size);
}

/// Where libc10_cuda.so was loaded; 0 where it was not.
uint64_t find_library() {
  uint64_t base = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* library, size_t, void* found) {
        constexpr std::string_view kName = "/libc10_cuda.so";
        if (!std::string_view(library->dlpi_name).ends_with(kName)) return 0;
        *static_cast<uint64_t*>(found) = library->dlpi_addr;
        return 1;
      },
      &base);
  return base;
}

/// The program may have set them itself before it imported torch.
void log_settings() {
  for (const char* const variable : {"PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"}) {
    const char* const text = std::getenv(variable);
    if (text == nullptr) continue;
    log_record({.kind = Kind::kSettings, .first = log_text(text)});
    return;
  }
}

/// A table of virtual functions begins after two words: the offset to the top and the type.
constexpr uint64_t kTableStart = 2 * sizeof(void*);

bool attach() {
  const Stage& s = stage();
  const uint64_t base = s.attach_tracker_at == 0 ? 0 : find_library();
  if (base == 0) return false;
  const auto allocator = value_at<uint64_t>(base + s.allocator_at);
  if (allocator == 0) return false;
  // Another allocator (backend:cudaMallocAsync, a pluggable one) has other functions.
  if (value_at<uint64_t>(allocator) != base + s.native_table_at + kTableStart) return false;
  using Tracker = std::function<void(const TraceEntry&)>;
  using Attach = void (*)(uint64_t allocator, Tracker);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the address comes from the symbol table.
  const auto attach_to = reinterpret_cast<Attach>(base + s.attach_tracker_at);
  attach_to(allocator, write_entry);
  log_settings();
  count(counters().traced);
  return true;
}

}  // namespace

// A thread that comes while another attaches goes on: to wait could mean to wait for each other, as each may hold the
// lock of a device's allocator.
void attach_tracker() {
  static std::atomic<bool> begun{false};
  if (begun.load(std::memory_order_relaxed) || begun.exchange(true)) return;
  if (!attach()) begun = false;
}

}  // namespace unfrag::null
