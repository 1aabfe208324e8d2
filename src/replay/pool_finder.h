// Which pool each piece of memory of a recording belongs to.
//
// From 2.12 on every entry says so. Before, only the segments that still exist at the end do; one that is gone is taken
// for the default pool's, until `blame` is told that the recording contradicts that. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "replay/history.h"
#include "trace/trace.h"

namespace unfrag::replay {

class PoolFinder {
 public:
  PoolFinder(const trace::Trace& trace, const trace::Device& device, const History& history);

  /// All pools there are, the default one first.
  [[nodiscard]] const std::vector<trace::PoolId>& pools() const { return pools_; }
  /// Starts again from the first entry.
  void rewind();
  /// Plays an entry about segments; call it for each, in order.
  void play(uint32_t entry);
  /// Row of pools() for a request whose entry is `row`, served at `addr`.
  [[nodiscard]] uint32_t pool_of(size_t row, uint64_t addr) const;
  /// The same for what lies at `addr` now; the default pool where nothing is known to.
  [[nodiscard]] uint32_t pool_at(uint64_t addr) const;
  /// A request of the default pool would have been served at `replayed`, but was at `recorded`: the pieces of memory
  /// of which one may belong to another pool, likeliest first.
  [[nodiscard]] std::vector<uint32_t> suspects(uint64_t replayed, uint64_t recorded) const;
  /// Takes a suspect for a private pool's. False where it has been acquitted before.
  bool blame(uint32_t suspect);
  void acquit(uint32_t suspect);
  /// Units that were taken for a private pool's because of a contradiction.
  [[nodiscard]] size_t blamed() const { return blamed_; }

 private:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  /// A plain segment, or all pages of one reservation.
  struct Unit {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint32_t pool = 0;
    bool known = false;  ///< The file says which pool.
    bool acquitted = false;
  };

  uint32_t pool_index(const trace::PoolId& pool);
  void find_units();
  void learn_from_end(const std::map<uint64_t, uint32_t>& alive);
  [[nodiscard]] const Unit* unit_at(uint64_t addr) const;

  const trace::Trace& trace_;
  const trace::Device& device_;
  const History& history_;
  std::vector<trace::PoolId> pools_;
  std::map<trace::PoolId, uint32_t> index_of_pool_;
  std::vector<uint32_t> pool_of_context_;  // by ContextIdx; kUnknown where it does not say
  std::vector<Unit> units_;
  std::vector<uint32_t> unit_of_segment_entry_;
  std::vector<uint32_t> initial_units_;
  std::map<uint64_t, uint32_t> present_;  // begin → unit
  size_t next_ = 0;
  bool any_private_ = false;
  size_t blamed_ = 0;
};

}  // namespace unfrag::replay
