// PyTorch's caching allocator for one device, as a state machine over addresses; plain and expandable segments.
//
// It decides which address a request gets, when the driver is asked, what is given back and when a request fails. It
// touches no memory, has no clock and no lock, throws nothing of its own, and in steady state allocates nothing. What
// it is not: a table from addresses to blocks (callers keep the handle), and an owner of events (see Driver).
//
//   pool ── small, large block pool ── a shelf a stream ── free blocks by size
//   segment: block <-> block <-> block, neighbours by address; free neighbours are merged at once
//
// Source: c10/cuda/CUDACachingAllocator.cpp of 2.6 to 2.15 as observed in recordings; differences are in Rules.
// Threads: one at a time; PyTorch holds a lock a device.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alloc/block.h"
#include "alloc/driver.h"
#include "alloc/settings.h"
#include "alloc/shelf.h"
#include "alloc/statistics.h"
#include "alloc/version.h"

namespace unfrag::alloc {

struct Config {
  Settings settings{};
  Rules rules{};
  Bytes device_total = 1024_GiB;  ///< Sizes reservations; compared with by throw_on_cudamalloc_oom.
  std::optional<Bytes> limit{};   ///< Most bytes reserved (set_per_process_memory_fraction); reaching it is allowed.
};

/// The limit that a memory fraction sets, in [0, 1]. Source: setMemoryFraction.
std::optional<Bytes> limit_of_fraction(double fraction, Bytes device_total, const Rules& rules);

/// What a private pool is (torch.cuda.MemPool, or a CUDA graph's).
struct PoolOptions {
  bool no_split = false;          ///< Blocks are handed out whole.
  bool use_on_oom = false;        ///< May serve requests of the default pool that the driver refused.
  bool custom_allocator = false;  ///< Its segments come from elsewhere; never expandable.
};

/// What a thread of the program is inside of, as far as the allocator cares.
enum class Scope : uint8_t { kNone, kMemPool, kCapture };

struct Refusal {
  enum Kind : uint8_t {
    kNone,
    kOutOfMemory,
    kRejected,  ///< By throw_on_cudamalloc_oom: nothing was tried.
    kTooLarge,  ///< 2^60 bytes and more: nothing is counted.
  } kind = kNone;
  Bytes rounded{};
  Bytes segment{};  ///< What the driver would have been asked for.
};

/// What the next request would do.
enum class Prediction : uint8_t {
  kCached,    ///< A free block serves it.
  kDriver,    ///< The driver's first answer serves it.
  kReleases,  ///< The driver would refuse: all events are waited for and cached memory released, or the request fails.
  kReleasesFirst,  ///< Memory is given back before any event is waited for, by the garbage collector or, under
                   ///< max_split_size_mb, a large block; what else kReleases says may follow.
};

class CachingPolicy {
 public:
  CachingPolicy(const Config& config, Driver& driver);
  CachingPolicy(const CachingPolicy&) = delete;
  CachingPolicy& operator=(const CachingPolicy&) = delete;

  /// A block of `bytes` or more, or none: then `refusal` says why. Requires: bytes > 0, `pool` not retired.
  /// Cost: no allocation and no driver call where the cache serves it.
  BlockId allocate(Bytes bytes, StreamId stream, PoolIdx pool = kDefaultPool);
  /// Gives a block back. It can be used again at once, unless other streams use it: then after the last event_done.
  void free(BlockId id);
  /// Another stream uses the block.
  void record_stream(BlockId id, StreamId stream);
  /// One of the events that a block waits for has completed.
  void event_done(BlockId id);
  /// torch.cuda.empty_cache: gives back what is wholly free.
  void empty_cache();

  PoolIdx create_pool(const PoolOptions& options);
  /// Nobody uses the pool any more: its memory goes back with the next release of cached memory.
  void retire_pool(PoolIdx pool);
  /// The same, and gives back at once what is free (a MemPool object died). Requires: not in a capture.
  void release_pool(PoolIdx pool);
  /// torch.cuda.memory._set_allocator_settings: for what is asked and given back from now on.
  void change_settings(const Settings& settings) { config_.settings = settings; }
  /// torch.cuda.set_per_process_memory_fraction.
  void set_memory_fraction(double fraction) {
    config_.limit = limit_of_fraction(fraction, config_.device_total, config_.rules);
  }
  /// In which scope the calls that follow are made.
  void set_scope(Scope scope) { scope_ = scope; }

  /// Valid until the next call that changes anything.
  [[nodiscard]] const Block& block(BlockId id) const { return blocks_[id]; }
  [[nodiscard]] StreamId stream_of(BlockId id) const { return shelves_[blocks_[id].shelf]->stream(); }
  [[nodiscard]] Owner owner_of(BlockId id) const { return owner(blocks_[id].shelf); }
  [[nodiscard]] const Statistics& statistics() const { return statistics_; }
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }
  [[nodiscard]] const Config& config() const { return config_; }
  /// What `allocate` with these arguments would do now.
  [[nodiscard]] Prediction predict(Bytes bytes, StreamId stream, PoolIdx pool) const;
  /// The free block that `allocate` would take now, or none.
  [[nodiscard]] BlockId best_fit(Bytes bytes, StreamId stream, PoolIdx pool) const;
  /// Whether the default pools hold anything that empty_cache would give back.
  [[nodiscard]] bool could_release() const;
  /// Rows of the block table; those in use have `use` other than kUnused.
  [[nodiscard]] size_t block_rows() const { return blocks_.size_rows(); }

  /// For a state that was found, not reached. A plain segment, all of it free.
  BlockId adopt_segment(Address addr, Bytes size, const Owner& owner);
  /// Address space of an expandable segment, nothing mapped. It keeps the page it was found with, whatever the
  /// settings. Requires: `size` is a multiple of `page`.
  BlockId adopt_reservation(Address base, Bytes size, Bytes page, const Owner& owner);
  /// Maps [addr, addr + size), free. `at`: a block of the reservation at or before it. None where it is not unmapped.
  BlockId adopt_mapped(BlockId at, Address addr, Bytes size);
  /// Cuts [addr, addr + size) out of the free block that holds it, as handed out. `at`: a block of the segment at or
  /// before it; what is returned will do for the next. None where no free block holds it.
  BlockId adopt_block(BlockId at, Address addr, Bytes size, Bytes requested);

  /// How thoroughly `find_fault` looks: sums; each segment's chain; the indices of free and unmapped blocks too.
  enum class Check : uint8_t { kSums, kChains, kIndices };
  /// The first broken invariant in words, if there is one. Cost: linear; kIndices a logarithm more.
  [[nodiscard]] std::optional<std::string> find_fault(Check check) const;

 private:
  static constexpr uint32_t kNoShelf = UINT32_MAX;

  /// PyTorch's BlockPool: the small or the large half of a pool.
  struct BlockPool {
    PoolIdx pool{};
    bool small = false;
    uint32_t searches = 0;            ///< Counted only where the garbage collector is on.
    std::vector<uint32_t> shelves{};  ///< By stream, as unsigned numbers.
    uint32_t last_shelf = kNoShelf;
  };
  struct Pool {
    PoolOptions options{};
    bool retired = false;
    uint32_t holdings = 0;  ///< Plain segments and reservations.
  };
  struct Reservation {
    uint64_t base = 0;
    uint64_t size = 0;  ///< 0: given back.
    uint64_t page = 0;
  };
  struct StreamUse {
    StreamId stream = 0;
    uint32_t next = 0;  ///< Plus one; 0: the last.
    bool in_capture = false;
  };
  /// A request on its way.
  struct Search {
    uint64_t rounded = 0;
    uint64_t segment = 0;  ///< What the driver would be asked for.
    uint32_t shelf = 0;
    bool expandable = false;
    bool rejected = false;
  };

  // caching_policy.cpp
  [[nodiscard]] bool captures() const;
  [[nodiscard]] bool collects() const { return config_.limit && config_.settings.garbage_collection_threshold > 0; }
  [[nodiscard]] Owner owner(uint32_t shelf) const;
  [[nodiscard]] BlockPool& block_pool_of(uint32_t shelf) { return block_pools_[shelves_[shelf]->block_pool()]; }
  [[nodiscard]] Pool& pool_of(uint32_t shelf) { return pools_[block_pool_of(shelf).pool.value()]; }
  [[nodiscard]] static uint32_t block_pool_index(PoolIdx pool, bool small) {
    return 2 * pool.value() + (small ? 0 : 1);
  }
  [[nodiscard]] uint32_t find_shelf(const BlockPool& block_pool, StreamId stream) const;
  uint32_t shelf_for(uint32_t block_pool, StreamId stream);
  [[nodiscard]] uint64_t segment_size_of(uint64_t rounded) const;
  [[nodiscard]] Search search_for(Bytes bytes, PoolIdx pool) const;
  [[nodiscard]] BlockId find_fit(const Shelf& shelf, uint64_t size, bool expandable) const;
  [[nodiscard]] uint64_t reach(const Block& block) const;
  BlockId take_fit(const Search& search);
  BlockId obtain(Search& search);
  BlockId ask_driver(Search& search);
  BlockId obtain_segment(const Search& search);
  BlockId take_from_overflow_pools(Search& search);
  [[nodiscard]] bool refused_by_limit(Search& search) const;
  [[nodiscard]] bool should_split(const Block& block, const Search& search);
  BlockId split_front(BlockId id, uint64_t size);
  BlockId hand_out(BlockId id, const Search& search, Bytes bytes);
  void refuse(const Search& search);
  void put_back(BlockId id);
  void complete_free(BlockId id);
  void merge_neighbours(BlockId id);
  void absorb(BlockId id, BlockId neighbour);
  void take_out(BlockId id);
  void process_events();
  void wait_for_streams(BlockId id);
  void resume_deferred();
  void wait_for_events(std::optional<PoolIdx> pool);
  void drop_uses(BlockId id, bool only_in_capture);

  // policy_release.cpp
  void release_cached();
  void release_block_pool(uint32_t block_pool);
  void release_segment(BlockId id);
  void release_retired(uint32_t pool);
  bool release_one_large_enough(const Search& search);
  [[nodiscard]] bool could_release_one(const Search& search) const;
  [[nodiscard]] bool could_collect() const;
  void collect_garbage();
  [[nodiscard]] uint64_t garbage_threshold() const;
  [[nodiscard]] bool is_whole_segment(const Block& block) const;
  template <class Visit>
  void for_each_free(uint32_t block_pool, Visit visit);

  // policy_expandable.cpp
  struct Range {
    Address addr;
    Bytes size;
  };
  /// The pages that lie wholly in a block of an expandable segment; nothing of another.
  [[nodiscard]] Range whole_pages(const Block& block) const;
  BlockId obtain_expandable(const Search& search);
  BlockId find_expandable_start(const Search& search, uint64_t* to_map) const;
  /// What serving the request would map; nothing where no address space can hold it. `search.shelf` may be none.
  [[nodiscard]] std::optional<uint64_t> bytes_to_map(const Search& search, bool small) const;
  BlockId reserve(const Search& search);
  BlockId add_reservation(uint64_t base, uint64_t size, uint64_t page, uint32_t shelf);
  [[nodiscard]] uint64_t page_of(bool small) const;
  BlockId map_block(BlockId id, uint64_t size);
  void unmap_block(BlockId id);
  void release_reservation(BlockId id);
  void insert_unmapped(BlockId id);
  BlockId split_off_tail(BlockId id, uint64_t size);

  // policy_check.cpp
  struct Tally;
  [[nodiscard]] std::optional<std::string> fault_of_block(BlockId id, Tally& tally) const;
  [[nodiscard]] std::optional<std::string> fault_of_chain(BlockId id) const;
  [[nodiscard]] std::optional<std::string> fault_of_sums(const Tally& tally) const;
  [[nodiscard]] std::optional<std::string> fault_of_indices(const Tally& tally) const;

  Config config_;
  Driver& driver_;
  Scope scope_ = Scope::kNone;
  BlockTable blocks_;
  std::vector<std::unique_ptr<Shelf>> shelves_;
  std::vector<BlockPool> block_pools_;  ///< Two a pool: small, large.
  std::vector<Pool> pools_;
  std::vector<Reservation> reservations_;
  std::vector<BlockId> deferred_;  ///< Freed inside a capture while other streams use them.
  std::vector<BlockId> to_unmap_;  ///< Scratch of release_block_pool.
  std::vector<StreamUse> uses_;
  uint32_t unused_use_ = 0;  ///< Plus one.
  uint32_t next_creation_ = 0;
  uint64_t waiting_ = 0;  ///< Blocks that wait for events.
  Statistics statistics_;
  Refusal refusal_;
};

}  // namespace unfrag::alloc
