#include "rehearsal/null/tracker.h"

#include <link.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "rehearsal/null/device_memory.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/log_file.h"
#include "rehearsal/null/python_frames.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/torch_types.h"
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
  }
  log_record(record);
  if (entry.action == kAlloc) note_allocation(entry.addr, entry.size);
  if (entry.action == kAlloc) device_memory().begin_block(entry.addr, entry.size, element_type_asked_for());
  if (entry.action == kOom) forget_element_type();
  if (entry.action == kFreeCompleted) device_memory().end_block(entry.addr, entry.size);
}

/// libc10_cuda.so as it was loaded; at 0 where it was not.
struct Library {
  uint64_t base = 0;
  std::string path;
};
Library find_library() {
  Library found;
  dl_iterate_phdr(
      [](dl_phdr_info* library, size_t, void* into) {
        constexpr std::string_view kName = "/libc10_cuda.so";
        if (!std::string_view(library->dlpi_name).ends_with(kName)) return 0;
        *static_cast<Library*>(into) = {.base = library->dlpi_addr, .path = library->dlpi_name};
        return 1;
      },
      &found);
  return found;
}

/// A process that the program starts may run another interpreter, with another PyTorch: a kernel, a script of a tool's.
bool is_the_known_one(const Library& library) {
  struct stat file{};
  if (stat(library.path.c_str(), &file) != 0) return true;
  return static_cast<uint64_t>(file.st_size) == stage().allocator_library_size;
}

/// The program may have set them itself before it imported torch.
void log_settings() {
  for (const std::string& variable : stage().settings_from) {
    const char* const text = std::getenv(variable.c_str());
    if (text == nullptr) continue;
    log_record({.kind = Kind::kSettings, .first = log_text(text)});
    return;
  }
}

/// A table of virtual functions begins after two words: the offset to the top and the type.
constexpr uint64_t kTableStart = 2 * sizeof(void*);

bool attach() {
  const Stage& s = stage();
  const Library library = s.attach_tracker_at == 0 ? Library{} : find_library();
  const uint64_t base = library.base;
  if (base == 0) return false;
  if (!is_the_known_one(library)) {
    log_unanswered("attachAllocatorTraceTracker of " + library.path);
    return false;
  }
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
