// In steady state the policy asks the heap for nothing: a program is run until everything has its size, then again
// with the heap watched. A program of its own, because it replaces operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <vector>

#include "alloc/caching_policy.h"
#include "alloc/device_for_tests.h"
#include "alloc/set_policy.h"

namespace {

uint64_t heap_requests = 0;

void* take(size_t bytes) {
  ++heap_requests;
  if (void* const memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t bytes) { return take(bytes); }
void* operator new[](size_t bytes) { return take(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace unfrag::alloc {
namespace {

/// Has a limited memory, and keeps what waits in room set aside.
template <class Policy>
class QuietDevice final : public Driver {
 public:
  explicit QuietDevice(Bytes capacity) : free_(capacity) { waiting_.reserve(4096); }

  Policy* policy = nullptr;

  std::optional<Address> allocate_segment(Bytes size, const Owner&) override {
    if (!take(size)) return std::nullopt;
    return space(size);
  }
  void free_segment(Address, Bytes size, const Owner&) override { free_ += size; }
  std::optional<Address> reserve(Bytes size, const Owner&) override { return space(size); }
  void release(Address, Bytes) override {}
  bool map(Address, Bytes size, Bytes, const Owner&) override { return take(size); }
  void unmap(Address, Bytes size, Bytes, const Owner&) override { free_ += size; }
  [[nodiscard]] Bytes free_bytes() const override { return free_; }
  void record_event(BlockId block, StreamId) override { waiting_.push_back(block); }
  void poll_events() override {
    if (waiting_.size() > 20) complete_all();
  }
  void synchronize(std::optional<PoolIdx>) override { complete_all(); }

 private:
  bool take(Bytes size) {
    if (size > free_) return false;
    free_ -= size;
    return true;
  }
  Address space(Bytes size) {
    const Address addr = next_;
    next_ = next_ + size;
    return addr;
  }
  void complete_all() {
    while (!waiting_.empty()) {
      const BlockId block = waiting_.back();
      waiting_.pop_back();
      policy->event_done(block);
    }
  }

  Bytes free_;
  Address next_{uint64_t{1} << 40};
  std::vector<BlockId> waiting_;
};

/// A program that ends as it began: it asks for memory of all sizes on three streams, lets streams use each other's
/// blocks, empties the cache now and then, and in the end frees what it has.
template <class Policy>
class Repeated {
 public:
  explicit Repeated(const Config& config, Bytes capacity = 600_MiB) : device_(capacity), policy_(config, device_) {
    device_.policy = &policy_;
    pool_ = policy_.create_pool({});
    blocks_.reserve(4096);
  }

  /// How often the heap was asked.
  uint64_t run() {
    const uint64_t before = heap_requests;
    Random random(42);
    for (int step = 0; step < 20000; ++step) {
      const uint64_t what = random.below(100);
      if (what < 50 && blocks_.size() < 300) {
        const uint64_t size = random.between(1, random.one_in(3) ? 30 << 20 : random.one_in(2) ? 3 << 20 : 90000);
        const BlockId id = policy_.allocate(Bytes(size), static_cast<StreamId>(random.below(3)),
                                            random.one_in(4) ? pool_ : kDefaultPool);
        if (!id.is_none()) blocks_.push_back(id);
      } else if (what < 99 && !blocks_.empty()) {
        const size_t at = random.below(blocks_.size());
        if (random.one_in(5)) policy_.record_stream(blocks_[at], 7);
        if (random.one_in(5)) policy_.record_stream(blocks_[at], 8);
        policy_.free(blocks_[at]);
        blocks_[at] = blocks_.back();
        blocks_.pop_back();
      } else if (random.one_in(10)) {
        policy_.empty_cache();
      }
    }
    for (const BlockId id : blocks_) policy_.free(id);
    blocks_.clear();
    policy_.empty_cache();
    return heap_requests - before;
  }

  [[nodiscard]] const Policy& policy() const { return policy_; }

 private:
  QuietDevice<Policy> device_;
  Policy policy_;
  PoolIdx pool_;
  std::vector<BlockId> blocks_;
};

void expect_quiet(const Config& config) {
  Repeated<CachingPolicy> program(config);
  program.run();
  const Statistics before = program.policy().statistics();
  EXPECT_EQ(program.run(), 0U);
  const Statistics& after = program.policy().statistics();
  EXPECT_GT(after.num_device_alloc, before.num_device_alloc + 100) << "the second run obtains memory anew";
  EXPECT_GT(after.num_sync_all_streams, before.num_sync_all_streams) << "and waits for other streams";
}

TEST(PolicyAllocation, NoneWithPlainSegments) { expect_quiet({}); }

TEST(PolicyAllocation, NoneWithExpandableSegments) {
  expect_quiet({.settings = {.expandable_segments = true}, .device_total = 1_GiB});
}

TEST(PolicyAllocation, NoneWhereTheCollectorWorks) {
  expect_quiet({.settings = {.garbage_collection_threshold = 0.5}, .limit = 550_MiB});
}

TEST(PolicyAllocation, NoneWithASplitLimitAndTheOldestSegmentFirst) {
  expect_quiet({.settings = {.max_split_size = 20_MiB}, .rules = rules_of(kNewest)});
}

TEST(PolicyAllocation, SomeInTheModelSoThatTheCountCounts) {
  Repeated<SetPolicy> program({});
  program.run();
  EXPECT_GT(program.run(), 20000U);
}

}  // namespace
}  // namespace unfrag::alloc
