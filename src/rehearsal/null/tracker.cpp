#include "rehearsal/null/tracker.h"

#include <atomic>
#include <functional>

#include "rehearsal/null/allocator_calls.h"
#include "rehearsal/null/device_memory.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/log_file.h"
#include "rehearsal/null/native_allocator.h"
#include "rehearsal/null/python_frames.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/torch_settings.h"
#include "rehearsal/null/torch_types.h"
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
constexpr int kAlloc = 0, kFreeRequested = 1, kFreeCompleted = 2, kOom = 8;

/// A block is mostly given back in one go, which makes two entries.
uint32_t stack_of(const TraceEntry& entry) {
  thread_local uint64_t requested = 0;
  const bool again = entry.action == kFreeCompleted && entry.addr == requested;
  requested = entry.action == kFreeRequested ? entry.addr : 0;
  return current_stack(again);
}

void write_entry(const TraceEntry& entry) {
  const EnteredIn<allocation_log::Family::kLog> entered("PyTorch's allocator");
  Record record{.kind = Kind::kEvent,
                .action = static_cast<uint8_t>(entry.action),
                .device = static_cast<uint16_t>(entry.device),
                .addr = entry.addr,
                .size = entry.size,
                .stream = entry.stream,
                .time_us = now_us(),
                .stack = stack_of(entry)};
  if (stage().entries_have_pool) {
    record.first = entry.pool[0];
    record.second = entry.pool[1];
  } else {
    const PoolId pool = pool_of_this_thread(entry.device);
    record.first = pool.first;
    record.second = pool.second;
  }
  log_record(record);
  if (entry.action == kAlloc) note_allocation(entry.addr, entry.size);
  if (entry.action == kAlloc) device_memory().begin_block(entry.addr, entry.size, element_type_asked_for());
  if (entry.action == kOom) forget_element_type();
  if (entry.action == kFreeCompleted) device_memory().end_block(entry.addr, entry.size);
}

bool attach() {
  const auto native = find_native_allocator(/*says_so=*/true);
  if (!native) return false;
  using Tracker = std::function<void(const TraceEntry&)>;
  using Attach = void (*)(uint64_t allocator, Tracker);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the address comes from the symbol table.
  const auto attach_to = reinterpret_cast<Attach>(native->base + stage().attach_tracker_at);
  attach_to(native->object, write_entry);
  log_settings();
  if (pools_are_watched()) counters().entries_have_pool = 1;
  count(counters().traced);
  begin_timing();
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
