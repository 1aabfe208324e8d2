// PyTorch's caching allocator as plainly as it can be written: what CachingPolicy is held against in tests, and its
// peer in the benchmark. Nothing that ships links it.
//
// A second opinion on the same rules, written from their description and not from CachingPolicy; numbers such as (3.1)
// in its code are sections of ../shared/reference/allocator.md. Blocks are objects on the heap, neighbours are
// pointers, free blocks a std::set in PyTorch's order. It does not adopt a found state, nor check itself.
//
// Cost: a few nodes from the heap and a logarithm an operation, as in PyTorch. Threads: one at a time.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "alloc/caching_policy.h"

namespace unfrag::alloc {

class SetPolicy {
 public:
  SetPolicy(const Config& config, Driver& driver);
  SetPolicy(const SetPolicy&) = delete;
  SetPolicy& operator=(const SetPolicy&) = delete;

  // Each as in CachingPolicy.
  BlockId allocate(Bytes bytes, StreamId stream, PoolIdx pool = kDefaultPool);
  void free(BlockId id);
  void record_stream(BlockId id, StreamId stream);
  void event_done(BlockId id);
  void empty_cache();
  PoolIdx create_pool(const PoolOptions& options);
  void retire_pool(PoolIdx pool);
  void release_pool(PoolIdx pool);
  void set_scope(Scope scope) { scope_ = scope; }
  [[nodiscard]] const Statistics& statistics() const { return statistics_; }
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

  struct BlockPool;
  struct Reservation;

  struct Block {
    BlockId id{};
    BlockPool* pool = nullptr;
    StreamId stream = 0;
    uint64_t addr = 0;
    uint64_t size = 0;
    uint64_t requested = 0;
    Block* prev = nullptr;
    Block* next = nullptr;
    Reservation* reservation = nullptr;  ///< The expandable segment it lies in; null in a plain one.
    uint64_t creation = 0;               ///< Of its segment; all 0 where only addresses break ties.
    uint64_t searches_before = 0;        ///< The pool's searches when it became free.
    bool allocated = false;
    bool mapped = true;
    int event_count = 0;
    std::map<StreamId, bool> stream_uses{};  ///< Other streams, and whether in a capture.

    [[nodiscard]] uint64_t end() const { return addr + size; }
    [[nodiscard]] bool is_split() const { return prev != nullptr || next != nullptr; }
    /// May be merged, or mapped over.
    [[nodiscard]] bool is_idle() const { return !allocated && event_count == 0 && stream_uses.empty(); }
  };

  /// What is looked for in a set of free blocks.
  struct Least {
    StreamId stream = 0;
    uint64_t size = 0;
  };
  struct BySize {
    using is_transparent = void;
    static std::strong_ordering compare(StreamId stream, uint64_t size, const Block& b) {
      if (const auto order = static_cast<uint64_t>(stream) <=> static_cast<uint64_t>(b.stream); order != 0)
        return order;
      return size <=> b.size;
    }
    bool operator()(const Block* a, const Block* b) const {
      if (const auto order = compare(a->stream, a->size, *b); order != 0) return order < 0;
      return a->creation != b->creation ? a->creation < b->creation : a->addr < b->addr;
    }
    bool operator()(const Block* a, const Least& b) const { return compare(b.stream, b.size, *a) > 0; }
  };
  struct ByAddress {
    bool operator()(const Block* a, const Block* b) const {
      if (a->stream != b->stream) return static_cast<uint64_t>(a->stream) < static_cast<uint64_t>(b->stream);
      return a->addr < b->addr;
    }
  };

  using FreeBlocks = std::set<Block*, BySize>;

  struct BlockPool {
    PoolIdx pool;
    bool small = false;
    PoolOptions options{};
    FreeBlocks free{};
    std::set<Block*, ByAddress> unmapped{};
    uint64_t searches = 0;

    [[nodiscard]] Owner owner(StreamId stream) const { return {.stream = stream, .pool = pool, .small = small}; }
  };
  struct Reservation {
    uint64_t base = 0;
    uint64_t size = 0;
    uint64_t page = 0;
  };

  /// Rows of blocks; a null one is not in use. Valid until the next call that changes anything.
  [[nodiscard]] const std::vector<std::unique_ptr<Block>>& blocks() const { return blocks_; }
  [[nodiscard]] const Block& block(BlockId id) const { return *blocks_[id.value()]; }

 private:
  struct Pool {
    BlockPool small;
    BlockPool large;
    bool retired = false;
  };
  /// A request on its way.
  struct Request {
    uint64_t bytes = 0;
    uint64_t size = 0;        ///< Rounded.
    uint64_t alloc_size = 0;  ///< What the driver would be asked for.
    StreamId stream = 0;
    BlockPool* pool = nullptr;
    bool expandable = false;
    bool rejected = false;
  };

  [[nodiscard]] bool in_capture() const;
  [[nodiscard]] bool collects() const { return config_.limit && config_.settings.garbage_collection_threshold > 0; }
  [[nodiscard]] bool limits_splits() const { return config_.settings.max_split_size != kUnlimited; }
  Request request_for(uint64_t bytes, StreamId stream, Pool& pool) const;
  Block* add_block(BlockPool* pool, StreamId stream, uint64_t addr, uint64_t size);
  Block* add_beside(const Block& block, uint64_t addr, uint64_t size);
  void destroy(Block* block);
  void insert_free(Block* block);

  Block* take_free_block(const Request& request);
  FreeBlocks::const_iterator find_free_block(const Request& request) const;
  Block* obtain(Request& request);
  Block* ask_driver(Request& request);
  Block* obtain_segment(const Request& request);
  Block* take_from_overflow_pools(Request& request);
  [[nodiscard]] bool should_split(const Block& block, const Request& request) const;
  BlockId commit(Block* block, const Request& request);

  void complete_free(Block* block);
  void merge(Block* block, Block* neighbour);
  void insert_events(Block* block);
  void insert_deferred_events();
  void synchronize(std::optional<PoolIdx> pool);

  void release_all();
  void release(BlockPool& pool);
  void release_segment(Block* block);
  bool release_large_enough(const Request& request);
  void collect_garbage();

  Block* obtain_expandable(const Request& request);
  Block* find_expandable(const Request& request);
  Block* reserve(const Request& request);
  bool map(Block* block, uint64_t size);
  void unmap(Block* block);

  Config config_;
  Driver& driver_;
  Scope scope_ = Scope::kNone;
  std::vector<std::unique_ptr<Pool>> pools_;
  std::vector<std::unique_ptr<Block>> blocks_;  // by BlockId
  std::vector<BlockId> unused_;
  std::vector<std::unique_ptr<Reservation>> reservations_;
  std::vector<Block*> deferred_;  // freed in a capture while other streams use them
  uint64_t next_creation_ = 0;
  Statistics statistics_;
  Refusal refusal_;
};

}  // namespace unfrag::alloc
