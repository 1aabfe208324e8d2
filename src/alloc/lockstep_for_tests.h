// CachingPolicy and the model do the same things on two devices of one script, and must not be told apart: addresses
// and sizes, what the devices are asked and when, refusals, statistics, what waits for which events, and now and then
// every block. Also holds what is predicted of a request against what it does.
//
// Blocks are named by the order in which they were handed out. Not for anything but tests.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "alloc/caching_policy.h"
#include "alloc/device_for_tests.h"
#include "alloc/set_policy.h"

namespace unfrag::alloc {

class Lockstep {
 public:
  Lockstep(const Config& config, const DeviceScript& script)
      : config_(config),
        predictable_(script.refuses_one_in == 0 && !script.refuses_nth),
        policy_device_(script),
        model_device_(script),
        policy_(config, policy_device_),
        model_(config, model_device_) {
    connect(policy_device_, policy_, [this](BlockId id) { return policy_.owner_of(id).pool; });
    connect(model_device_, model_, [this](BlockId id) { return model_.block(id).pool->pool; });
  }

  struct Life {
    BlockId policy;
    BlockId model;
  };

  [[nodiscard]] const CachingPolicy& policy() const { return policy_; }
  [[nodiscard]] const std::vector<Life>& handed_out() const { return handed_out_; }
  [[nodiscard]] const std::set<DeviceForTests::Event>& events() const { return policy_device_.events(); }
  [[nodiscard]] uint64_t asked() const { return policy_device_.asked(); }
  [[nodiscard]] size_t pools() const { return pools_; }
  [[nodiscard]] bool in_capture() const {
    return scope_ == Scope::kCapture || (scope_ == Scope::kMemPool && config_.rules.mem_pool_scope_is_capture);
  }
  /// Where the two part, if they have.
  [[nodiscard]] const std::optional<std::string>& difference() const { return difference_; }

  /// Whether it was served. `lent`: which of handed_out() somebody holds on to who gives it back when memory is short.
  bool allocate(Bytes bytes, StreamId stream, PoolIdx pool, std::optional<size_t> lent = std::nullopt) {
    const Prophecy prophecy = lent ? Prophecy{} : prophesy(bytes, stream, pool);
    lend(lent);
    const Life life{.policy = policy_.allocate(bytes, stream, pool), .model = model_.allocate(bytes, stream, pool)};
    if (life.policy.is_none() != life.model.is_none()) {
      differ(life.policy.is_none() ? "only the model serves the request" : "only the policy serves the request");
    } else if (life.policy.is_none()) {
      const Refusal& a = policy_.refusal();
      const Refusal& b = model_.refusal();
      if (std::tie(a.kind, a.rounded, a.segment) != std::tie(b.kind, b.rounded, b.segment)) differ("refusals differ");
    } else {
      const Block& block = policy_.block(life.policy);
      const SetPolicy::Block& other = model_.block(life.model);
      if (block.addr != other.addr || block.size != other.size) {
        differ(fmt::format("{} B at {:#x} from the policy, {} B at {:#x} from the model", block.size, block.addr,
                           other.size, other.addr));
      }
      handed_out_.push_back(life);
    }
    check_prophecy(prophecy, life.policy);
    if (policy_reclaimed_ != model_reclaimed_) differ("only one of the two asks for memory that others hold");
    if (policy_reclaimed_) forget(*lent);
    compare();
    return !life.policy.is_none();
  }
  void free(size_t index) {
    policy_.free(handed_out_[index].policy);
    model_.free(handed_out_[index].model);
    forget(index);
    compare();
  }
  void record_stream(size_t index, StreamId stream) {
    policy_.record_stream(handed_out_[index].policy, stream);
    model_.record_stream(handed_out_[index].model, stream);
    compare();
  }
  /// The n-th of events() has completed.
  void complete(size_t n) {
    for (DeviceForTests* device : {&policy_device_, &model_device_}) {
      device->complete(*std::next(device->events().begin(), static_cast<ptrdiff_t>(n)));
    }
    compare();
  }
  void empty_cache() {
    policy_.empty_cache();
    model_.empty_cache();
    compare();
  }
  PoolIdx create_pool(const PoolOptions& options) {
    const PoolIdx pool = policy_.create_pool(options);
    if (model_.create_pool(options) != pool) differ("pools have other numbers");
    ++pools_;
    return pool;
  }
  void retire_pool(PoolIdx pool) {
    policy_.retire_pool(pool);
    model_.retire_pool(pool);
  }
  void release_pool(PoolIdx pool) {
    policy_.release_pool(pool);
    model_.release_pool(pool);
    compare();
  }
  void set_scope(Scope scope) {
    scope_ = scope;
    policy_.set_scope(scope);
    model_.set_scope(scope);
  }

  void expect_nothing_reserved() {
    if (policy_.statistics().reserved.current != Bytes()) differ("memory is reserved that nobody uses");
  }
  /// Every block, and what the policy itself finds.
  void compare_blocks() {
    if (const auto fault = policy_.find_fault(CachingPolicy::Check::kIndices)) differ("the policy: " + *fault);
    const std::vector<Row> rows = rows_of_policy();
    const std::vector<Row> others = rows_of_model();
    const auto [row, other] = std::ranges::mismatch(rows, others);
    if (row != rows.end() || other != others.end()) {
      differ(fmt::format("blocks differ: {} in the policy, {} in the model", row == rows.end() ? "none" : text(*row),
                         other == others.end() ? "none" : text(*other)));
    }
  }

 private:
  struct Row {
    uint64_t addr = 0;
    uint64_t size = 0;
    uint64_t requested = 0;
    uint64_t creation = 0;
    BlockUse use = BlockUse::kUnused;
    Owner owner{};
    auto operator<=>(const Row& other) const { return addr <=> other.addr; }
    bool operator==(const Row&) const = default;
  };
  /// What the policy says of a request before it is made.
  struct Prophecy {
    bool said = false;
    Prediction prediction = Prediction::kCached;
    uint64_t fit_addr = 0;
    uint64_t retries = 0;
    uint64_t device_frees = 0;
  };

  template <class Policy, class PoolOf>
  static void connect(DeviceForTests& device, Policy& policy, PoolOf pool_of) {
    device.event_of = [&policy](BlockId id, StreamId stream) {
      return DeviceForTests::Event{.addr = policy.block(id).addr, .stream = stream, .block = id};
    };
    device.pool_of = pool_of;
    device.event_done = [&policy](BlockId id) { policy.event_done(id); };
  }

  void lend(std::optional<size_t> index) {
    policy_reclaimed_ = model_reclaimed_ = false;
    policy_device_.on_reclaim = [this, index] {
      if (index && !policy_reclaimed_) policy_.free(handed_out_[*index].policy);
      return index && !std::exchange(policy_reclaimed_, true);
    };
    model_device_.on_reclaim = [this, index] {
      if (index && !model_reclaimed_) model_.free(handed_out_[*index].model);
      return index && !std::exchange(model_reclaimed_, true);
    };
  }
  void forget(size_t index) {
    handed_out_[index] = handed_out_.back();
    handed_out_.pop_back();
  }

  // Where nothing can complete first, and the device refuses only what it has not got.
  Prophecy prophesy(Bytes bytes, StreamId stream, PoolIdx pool) const {
    const Statistics& now = policy_.statistics();
    if (now.active.current != now.allocated.current || bytes >= 1024_GiB) return {};
    Prophecy prophecy{.said = true,
                      .prediction = policy_.predict(bytes, stream, pool),
                      .retries = now.num_alloc_retries,
                      .device_frees = now.num_device_free};
    if (prophecy.prediction == Prediction::kCached) {
      prophecy.fit_addr = policy_.block(policy_.best_fit(bytes, stream, pool)).addr;
    }
    return prophecy;
  }
  void check_prophecy(const Prophecy& prophecy, BlockId served) {
    if (!prophecy.said) return;
    const Statistics& now = policy_.statistics();
    const bool served_at_once = !served.is_none() && now.num_alloc_retries == prophecy.retries;
    switch (prophecy.prediction) {
      case Prediction::kCached:
        if (served.is_none() || policy_.block(served).addr != prophecy.fit_addr || !policy_device_.calls().empty()) {
          differ("the best fit was another block");
        }
        break;
      case Prediction::kDriver:
        if (!predictable_) break;
        if (!served_at_once || now.num_device_free != prophecy.device_frees) {
          differ("the driver's first answer did not serve");
        }
        break;
      case Prediction::kReleases:
        if (!predictable_ || !served_at_once) break;
        if (now.num_device_free == prophecy.device_frees && pools_ == 1) differ("nothing was released");
        break;
      case Prediction::kReleasesFirst:
        if (now.num_device_free == prophecy.device_frees && pools_ == 1) differ("nothing was released first");
        break;
    }
  }

  void compare() {
    if (policy_.statistics() != model_.statistics()) differ("statistics differ: " + statistics_text());
    const auto& calls = policy_device_.calls();
    const auto& others = model_device_.calls();
    const auto [call, other] = std::ranges::mismatch(calls, others);
    if (call != calls.end() || other != others.end()) {
      differ(fmt::format("the device is asked otherwise: {} by the policy, {} by the model",
                         call == calls.end() ? "nothing" : text(*call),
                         other == others.end() ? "nothing" : text(*other)));
    }
    if (policy_device_.events() != model_device_.events()) differ("other events are waited for");
    if (!policy_device_.fault().empty()) differ("the policy " + policy_device_.fault());
    if (!model_device_.fault().empty()) differ("the model " + model_device_.fault());
    policy_device_.forget_calls();
    model_device_.forget_calls();
  }
  void differ(std::string what) {
    if (!difference_) difference_ = std::move(what);
  }

  std::vector<Row> rows_of_policy() const {
    std::vector<Row> rows;
    rows.reserve(policy_.block_rows());
    for (uint32_t i = 0; i < policy_.block_rows(); ++i) {
      const Block& block = policy_.block(BlockId(i));
      if (block.use == BlockUse::kUnused) continue;
      const bool active = block.use == BlockUse::kAllocated || block.use == BlockUse::kPending;
      rows.push_back({.addr = block.addr,
                      .size = block.size,
                      .requested = active ? block.requested : 0,
                      .creation = block.creation,
                      .use = block.use,
                      .owner = policy_.owner_of(BlockId(i))});
    }
    std::ranges::sort(rows);
    return rows;
  }
  std::vector<Row> rows_of_model() const {
    std::vector<Row> rows;
    rows.reserve(model_.blocks().size());
    for (const auto& block : model_.blocks()) {
      if (block == nullptr) continue;
      const BlockUse idle = block->mapped ? BlockUse::kFree : BlockUse::kUnmapped;
      const BlockUse use = block->allocated ? BlockUse::kAllocated : block->is_idle() ? idle : BlockUse::kPending;
      rows.push_back({.addr = block->addr,
                      .size = block->size,
                      .requested = use == idle ? 0 : block->requested,
                      .creation = block->creation,
                      .use = use,
                      .owner = block->pool->owner(block->stream)});
    }
    std::ranges::sort(rows);
    return rows;
  }

  static std::string text(const Row& row) {
    return fmt::format("{} B at {:#x} (use {}, {} B requested, creation {}, stream {}, pool {} {})", row.size, row.addr,
                       static_cast<int>(row.use), row.requested, row.creation, row.owner.stream, row.owner.pool.value(),
                       row.owner.small ? "small" : "large");
  }
  static std::string text(const DeviceCall& call) {
    return fmt::format("{}({:#x}, {}, {}; stream {}, pool {} {}) {}", call.what, call.addr, call.size, call.page,
                       call.owner.stream, call.owner.pool.value(), call.owner.small ? "small" : "large",
                       call.granted ? "granted" : "refused");
  }
  [[nodiscard]] std::string statistics_text() const {
    std::string both;
    for (const Statistics* s : {&policy_.statistics(), &model_.statistics()}) {
      both += fmt::format(
          "allocated {}/{} active {}/{} requested {}/{} reserved {}/{} segments {}/{} ooms {} rejections {} "
          "retries {} syncs {} device {}+ {}-; ",
          s->allocated.current.value(), s->allocated.peak.value(), s->active.current.value(), s->active.peak.value(),
          s->requested.current.value(), s->requested.peak.value(), s->reserved.current.value(),
          s->reserved.peak.value(), s->segments, s->segment_peak, s->num_ooms, s->num_oom_rejections,
          s->num_alloc_retries, s->num_sync_all_streams, s->num_device_alloc, s->num_device_free);
    }
    return both;
  }

  Config config_;
  bool predictable_;
  DeviceForTests policy_device_;
  DeviceForTests model_device_;
  CachingPolicy policy_;
  SetPolicy model_;
  Scope scope_ = Scope::kNone;
  size_t pools_ = 1;
  bool policy_reclaimed_ = false;
  bool model_reclaimed_ = false;
  std::vector<Life> handed_out_;
  std::optional<std::string> difference_;
};

}  // namespace unfrag::alloc
