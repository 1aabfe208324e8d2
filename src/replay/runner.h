// Runs a program, step by step or whole, on a policy over a simulated device.
//
// What fails is counted and skipped, and so is what the program later does with it. Threads: one.
#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "alloc/caching_policy.h"
#include "replay/log.h"
#include "replay/program.h"
#include "replay/simulated_device.h"

namespace unfrag::replay {

/// Under what a program is run.
struct Conditions {
  alloc::Settings settings;
  alloc::Rules rules;
  alloc::Version version = alloc::kNewest;  ///< Reads what settings the program makes itself.
  Limits limits;
  Direction direction = Direction::kDown;
};

/// The policy's side of them. A device of unknown size is as large as what the driver gives.
alloc::Config config_of(const Conditions& conditions);

class Runner {
 public:
  /// `log`: where entries go; null: nowhere. Lives: `program` and `log` outlive the runner.
  Runner(const Program& program, const Conditions& conditions, Log* log);

  void run();
  void step(const Op& op);

  [[nodiscard]] const alloc::CachingPolicy& policy() const { return policy_; }
  [[nodiscard]] SimulatedDevice& device() { return device_; }
  /// The block of a life; none while it has none.
  [[nodiscard]] alloc::BlockId block_of(uint32_t life) const { return blocks_[life]; }
  /// In which order the lives that wait complete where something waits for all: by this of each. May be empty.
  void complete_in_order_of(std::function<uint32_t(uint32_t)> key) { order_ = std::move(key); }
  /// Requests that the recording refused and this run served, and the other way round.
  [[nodiscard]] uint64_t rescued() const { return rescued_; }
  [[nodiscard]] uint64_t newly_refused() const { return newly_refused_; }

 private:
  void adopt(const Program& program);
  void adopt_blocks(const InitialRun& run, alloc::BlockId at);
  void apply(const trace::Change& change);
  void allocate(const Op& op);
  void free(uint32_t life, bool later);
  void wait(uint32_t life);
  void complete(uint32_t life);
  void complete_all(std::optional<alloc::PoolIdx> pool);
  void log_block(trace::Action action, alloc::BlockId block);

  const Program& program_;
  const alloc::Version version_;
  Log* log_;
  SimulatedDevice device_;
  alloc::CachingPolicy policy_;
  std::vector<alloc::BlockId> blocks_;  // by life
  std::vector<uint32_t> waiting_;       // lives; those that have completed are cleared out now and then
  size_t waiting_count_ = 0;
  std::function<uint32_t(uint32_t)> order_;
  uint64_t rescued_ = 0;
  uint64_t newly_refused_ = 0;
};

}  // namespace unfrag::replay
