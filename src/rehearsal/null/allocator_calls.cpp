#include "rehearsal/null/allocator_calls.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>

#include "rehearsal/null/log.h"
#include "rehearsal/null/native_allocator.h"
#include "rehearsal/null/pointers.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/value_at.h"

namespace unfrag::null {
namespace {

using SetFraction = void(void* allocator, double fraction, signed char device);
/// A filter says which streams the pool is for: for use_mem_pool, all of this thread's.
using BeginPool = void(void* allocator, signed char device, uint64_t first, uint64_t second, void* filter);
using EndPool = void(void* allocator, signed char device, uint64_t first, uint64_t second);

SetFraction* own_set_fraction = nullptr;
BeginPool* own_begin_pool = nullptr;
EndPool* own_end_pool = nullptr;

struct Open {
  int device = 0;
  PoolId pool;
};
constexpr size_t kMostOpen = 64;
thread_local std::array<Open, kMostOpen> open_pools;
thread_local size_t open_count = 0;

// An exception goes through: no frame here has anything to clean up.
void set_fraction(void* allocator, double fraction, signed char device) {
  own_set_fraction(allocator, fraction, device);
  log_record({.kind = allocation_log::Kind::kFraction,
              .device = static_cast<uint16_t>(device),
              .size = std::bit_cast<uint64_t>(fraction)});
}

void begin_pool(void* allocator, signed char device, uint64_t first, uint64_t second, void* filter) {
  own_begin_pool(allocator, device, first, second, filter);
  if (open_count < kMostOpen) open_pools[open_count++] = {.device = device, .pool = {.first = first, .second = second}};
}

void end_pool(void* allocator, signed char device, uint64_t first, uint64_t second) {
  own_end_pool(allocator, device, first, second);
  const auto is_it = [&](const Open& open) {
    return open.device == device && open.pool.first == first && open.pool.second == second;
  };
  auto* const end = open_pools.begin() + open_count;
  auto* const found = std::find_if(open_pools.begin(), end, is_it);
  if (found == end) return;
  std::move(found + 1, end, found);
  --open_count;
}

/// Puts `ours` where the function at `own` stands; null where it stands nowhere.
template <class Function>
Function* replace(uint64_t* table, size_t words, uint64_t own, Function* ours) {
  uint64_t* const place = std::find(table, table + words, own);
  if (place == table + words) return nullptr;
  *place = reinterpret_cast<uint64_t>(ours);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the address comes from the symbol table.
  return reinterpret_cast<Function*>(own);
}

bool watch() {
  const Stage& s = stage();
  const auto native = find_native_allocator(/*says_so=*/false);
  if (!native || s.native_table_bytes == 0) return false;
  const size_t words = s.native_table_bytes / sizeof(uint64_t);
  auto* const table = new uint64_t[words];  // for as long as the allocator is there
  std::memcpy(table, to_pointer<const void>(native->base + s.native_table_at), words * sizeof(uint64_t));
  own_set_fraction = replace(table, words, native->base + s.set_fraction_at, set_fraction);
  if (!s.entries_have_pool) {
    own_begin_pool = replace(table, words, native->base + s.begin_pool_at, begin_pool);
    own_end_pool = replace(table, words, native->base + s.end_pool_at, end_pool);
  }
  const auto start = reinterpret_cast<uint64_t>(table) + kTableStart;
  std::atomic_ref(*to_pointer<uint64_t>(native->object)).store(start, std::memory_order_release);
  return true;
}

}  // namespace

void watch_allocator_calls() {
  static std::atomic<bool> begun{false};
  if (begun.load(std::memory_order_relaxed) || begun.exchange(true)) return;
  if (!watch()) begun = false;
}

bool pools_are_watched() { return own_begin_pool != nullptr && own_end_pool != nullptr; }

PoolId pool_of_this_thread(int device) {
  for (size_t i = 0; i < open_count; ++i) {
    if (open_pools[i].device == device) return open_pools[i].pool;
  }
  return {};
}

}  // namespace unfrag::null
