// Does what programs do to an allocator, at random, on a Lockstep; at the end it gives everything back. Which calls
// come next depends on the seed and on what it has been given. Not for anything but tests.
#pragma once

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "alloc/lockstep_for_tests.h"

namespace unfrag::alloc {

class RandomProgram {
 public:
  RandomProgram(Lockstep& pair, uint64_t seed) : pair_(pair), random_(seed) {
    for (uint64_t& size : sizes_) size = some_size();
  }

  /// Where the two part, if they do.
  std::optional<std::string> run(int steps) {
    for (int step = 0; step < steps && !pair_.difference(); ++step) {
      do_something();
      if (step % 24 == 23) pair_.compare_blocks();
      if (pair_.difference()) return fmt::format("step {}: {}", step, *pair_.difference());
    }
    give_everything_back();
    return pair_.difference();
  }

 private:
  void give_everything_back() {
    while (!pair_.handed_out().empty()) pair_.free(0);
    pair_.compare_blocks();
    for (const PoolIdx pool : pools_) pair_.retire_pool(pool);
    pair_.set_scope(Scope::kNone);
    pair_.empty_cache();
    pair_.compare_blocks();
    pair_.expect_nothing_reserved();
  }
  void do_something() {
    const uint64_t what = random_.below(100);
    if (what < 44) {
      allocate();
    } else if (what < 80) {
      if (!pair_.handed_out().empty()) pair_.free(random_.below(pair_.handed_out().size()));
    } else if (what < 88) {
      if (!pair_.handed_out().empty()) pair_.record_stream(random_.below(pair_.handed_out().size()), some_stream());
    } else if (what < 92) {
      if (!pair_.events().empty()) pair_.complete(random_.below(pair_.events().size()));
    } else if (what < 95) {
      pair_.set_scope(random_.one_in(2) ? Scope::kNone : random_.one_in(2) ? Scope::kMemPool : Scope::kCapture);
    } else if (what < 97) {
      pair_.empty_cache();
    } else {
      change_pools();
    }
  }
  void allocate() {
    const PoolIdx pool = pools_.empty() || random_.one_in(2) ? kDefaultPool : pools_[random_.below(pools_.size())];
    const uint64_t size = random_.one_in(4) ? some_size() : sizes_[random_.below(sizes_.size())];
    const size_t held = pair_.handed_out().size();
    const auto lent = held > 0 && random_.one_in(4) ? std::optional<size_t>(random_.below(held)) : std::nullopt;
    pair_.allocate(Bytes(size), some_stream(), pool, lent);
  }
  void change_pools() {
    if (pair_.pools() < 5) {
      pools_.push_back(pair_.create_pool(
          {.no_split = random_.one_in(4), .use_on_oom = random_.one_in(2), .custom_allocator = random_.one_in(3)}));
      return;
    }
    if (pools_.empty()) return;
    const size_t at = random_.below(pools_.size());
    const PoolIdx pool = pools_[at];
    pools_.erase(pools_.begin() + static_cast<ptrdiff_t>(at));
    if (random_.one_in(2) || pair_.in_capture()) {
      pair_.retire_pool(pool);
    } else {
      pair_.release_pool(pool);
    }
  }

  StreamId some_stream() {
    static constexpr std::array<StreamId, 5> kStreams = {0, 0, 0, 7, -3};
    return kStreams[random_.below(kStreams.size())];
  }
  // Small and large, at and beside the sizes where the rules change.
  uint64_t some_size() {
    static constexpr std::array<uint64_t, 9> kEdges = {512,      4096,     1 << 20,  2 << 20, 10 << 20,
                                                       20 << 20, 24 << 20, 32 << 20, 48 << 20};
    switch (random_.below(7)) {
      case 0: return random_.between(1, 3000);
      case 1: return random_.between(1, 1 << 20);
      case 2:
      case 3: return random_.between(1 << 20, 10 << 20);
      case 4: return random_.between(10 << 20, 70 << 20);
      case 5: return kEdges[random_.below(kEdges.size())] + random_.below(3) * 511 - 511;
      default:
        return random_.one_in(20) ? uint64_t{1} << (random_.one_in(2) ? 60 : 59)
                                  : random_.between(1, uint64_t{400} << random_.below(21));
    }
  }

  Lockstep& pair_;
  Random random_;
  std::array<uint64_t, 10> sizes_{};
  std::vector<PoolIdx> pools_;
};

}  // namespace unfrag::alloc
