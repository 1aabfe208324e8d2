// What a policy asks of the device. Any of it may be refused.
//
// A simulated device does arithmetic, a live one calls CUDA. Calls happen only where the cache cannot serve a request
// or gives memory back, so they may be slow. An implementation must not call back into the policy, but for
// event_done from poll_events and synchronize, and free from reclaim. Threads: those of the policy.
#pragma once

#include <cstdint>
#include <optional>

#include "base/strong.h"

namespace unfrag::alloc {

/// A raw stream handle; 0 is the legacy default stream.
using StreamId = int64_t;
using BlockId = Index<struct BlockIdTag>;  ///< Row of a policy's block table: the handle of a block.
using PoolIdx = Index<struct PoolTag>;     ///< A pool of a policy.
inline constexpr PoolIdx kDefaultPool{0};

/// On whose behalf the device is asked.
struct Owner {
  StreamId stream = 0;
  PoolIdx pool = kDefaultPool;
  bool small = false;  ///< The small pool of `pool`, else its large one.
  bool operator==(const Owner&) const = default;
};

class Driver {
 public:
  virtual ~Driver() = default;

  /// A plain segment (cudaMalloc). Nothing: out of memory.
  virtual std::optional<Address> allocate_segment(Bytes size, const Owner& owner) = 0;
  virtual void free_segment(Address addr, Bytes size, const Owner& owner) = 0;

  /// Address space without memory. Nothing: refused.
  virtual std::optional<Address> reserve(Bytes size, const Owner& owner) = 0;
  virtual void release(Address addr, Bytes size) = 0;
  /// Memory behind [addr, addr + size) of a reservation, in handles of `page`: all of it or, false, none.
  virtual bool map(Address addr, Bytes size, Bytes page, const Owner& owner) = 0;
  virtual void unmap(Address addr, Bytes size, Bytes page, const Owner& owner) = 0;

  /// What the device says is free, for all its processes.
  [[nodiscard]] virtual Bytes free_bytes() const = 0;

  /// Records an event on `stream` that `block` has to wait for; event_done is called once for each.
  virtual void record_event(BlockId block, StreamId stream) = 0;
  /// Calls event_done for the events that have completed.
  virtual void poll_events() = 0;
  /// Waits for all events, or for those that blocks of `pool` wait for, and calls event_done for each.
  virtual void synchronize(std::optional<PoolIdx> pool) = 0;
  /// Frees memory that others hold on to (PyTorch's free-memory callbacks: CUDA IPC). True where it freed some.
  virtual bool reclaim() { return false; }
};

}  // namespace unfrag::alloc
