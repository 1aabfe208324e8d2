#include "replay/runner.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "alloc/rounding.h"
#include "replay/setup.h"

namespace unfrag::replay {
namespace {

using alloc::BlockId;
using trace::Action;

/// No recording names the streams that a block was used on: one that no program has stands for them.
constexpr alloc::StreamId kSomeOtherStream = std::numeric_limits<int64_t>::min();

}  // namespace

alloc::Config config_of(const Conditions& conditions) {
  alloc::Config config{.settings = conditions.settings, .rules = conditions.rules};
  if (conditions.limits.total) {
    config.device_total = *conditions.limits.total;
  } else if (conditions.limits.capacity) {
    config.device_total = *conditions.limits.capacity;
  }
  config.limit = conditions.limits.limit;
  return config;
}

Runner::Runner(const Program& program, const Conditions& conditions, Log* log)
    : program_(program),
      version_(conditions.version),
      log_(log),
      device_(conditions.limits, conditions.direction, log),
      policy_(config_of(conditions), device_),
      blocks_(program.lives) {
  for (size_t pool = 1; pool < program.pools.size(); ++pool) policy_.create_pool({});
  device_.on_synchronize([this](std::optional<alloc::PoolIdx> pool) { complete_all(pool); });
  adopt(program);
}

void Runner::run() {
  for (const Op& op : program_.ops) step(op);
}

void Runner::step(const Op& op) {
  if (log_ != nullptr) log_->origin = op.entry;
  switch (op.kind) {
    case OpKind::kAllocate: allocate(op); break;
    case OpKind::kFree: free(op.life, /*later=*/false); break;
    case OpKind::kFreeLater: free(op.life, /*later=*/true); break;
    case OpKind::kComplete: complete(op.life); break;
    case OpKind::kEmptyCache: policy_.empty_cache(); break;
    case OpKind::kRetirePool: policy_.retire_pool(program_.places[op.place].pool); break;
    case OpKind::kReleasePool: policy_.release_pool(program_.places[op.place].pool); break;
    case OpKind::kChange: apply(program_.changes[op.life]); break;
  }
}

void Runner::apply(const trace::Change& change) {
  if (change.memory_fraction) return policy_.set_memory_fraction(*change.memory_fraction);
  policy_.change_settings(settings_after(change.conf, version_, policy_.config().settings));
}

void Runner::allocate(const Op& op) {
  const Place& place = program_.places[op.place];
  policy_.set_scope(place.scope);
  const BlockId block = policy_.allocate(Bytes(op.bytes), place.stream, place.pool);
  policy_.set_scope(alloc::Scope::kNone);
  blocks_[op.life] = block;
  if (block.is_none()) {
    newly_refused_ += op.was_refused ? 0 : 1;
    if (log_ == nullptr || policy_.refusal().kind != alloc::Refusal::kOutOfMemory) return;
    log_->add(Action::kOom, device_.free_bytes().value(), policy_.refusal().rounded.value(),
              {.stream = place.stream, .pool = place.pool});
    return;
  }
  rescued_ += op.was_refused ? 1 : 0;
  if (log_ != nullptr) log_block(Action::kAlloc, block);
}

void Runner::log_block(Action action, BlockId id) {
  const alloc::Block& block = policy_.block(id);
  log_->add(action, block.addr, block.requested, policy_.owner_of(id));
}

void Runner::free(uint32_t life, bool later) {
  const BlockId block = blocks_[life];
  if (block.is_none()) return;
  if (policy_.block(block).use != alloc::BlockUse::kAllocated) {  // freed before: the file is made up
    if (!later) complete(life);
    return;
  }
  if (log_ != nullptr) log_block(Action::kFreeRequested, block);
  if (later) {
    policy_.record_stream(block, kSomeOtherStream);
    policy_.free(block);
    wait(life);
    return;
  }
  blocks_[life] = BlockId::none();
  if (log_ != nullptr) log_block(Action::kFreeCompleted, block);
  policy_.free(block);
}

void Runner::wait(uint32_t life) {
  waiting_.push_back(life);
  ++waiting_count_;
}

void Runner::complete(uint32_t life) {
  const BlockId block = blocks_[life];
  if (block.is_none()) return;
  blocks_[life] = BlockId::none();
  if (--waiting_count_ * 2 < waiting_.size() && waiting_.size() > 64) {
    std::erase_if(waiting_, [&](uint32_t other) { return blocks_[other].is_none(); });
  }
  if (log_ != nullptr) log_block(Action::kFreeCompleted, block);
  policy_.event_done(block);
}

void Runner::complete_all(std::optional<alloc::PoolIdx> pool) {
  const auto is_meant = [&](uint32_t life) {
    return !pool || blocks_[life].is_none() || policy_.owner_of(blocks_[life]).pool == *pool;
  };
  std::vector<uint32_t> lives;
  std::ranges::copy_if(waiting_, std::back_inserter(lives), is_meant);
  std::erase_if(waiting_, is_meant);
  if (order_) {
    std::ranges::sort(lives, {}, [&](uint32_t life) { return std::pair(order_(life), life); });
  }
  for (const uint32_t life : lives) complete(life);
}

// Runs of one reservation are told apart from others by what lies between them: half the device's size and more.
void Runner::adopt(const Program& program) {
  const uint64_t total = policy_.config().device_total.value();
  BlockId reservation;
  const InitialRun* first_of_reservation = nullptr;
  for (const InitialRun& run : program.initial) {
    device_.adopt(Address(run.addr), Bytes(run.size));
    if (!run.expandable()) {
      adopt_blocks(run, policy_.adopt_segment(Address(run.addr), Bytes(run.size), run.owner));
      continue;
    }
    const bool same = first_of_reservation != nullptr && first_of_reservation->owner == run.owner &&
                      run.addr - first_of_reservation->addr < total;
    if (!same) {
      const uint64_t size = (std::max(total + total / 8, run.size) + run.page - 1) / run.page * run.page;
      reservation = policy_.adopt_reservation(Address(run.addr), Bytes(size), Bytes(run.page), run.owner);
      device_.adopt_reservation(Address(run.addr), Bytes(size), run.owner);
      first_of_reservation = &run;
    }
    const BlockId mapped = policy_.adopt_mapped(reservation, Address(run.addr), Bytes(run.size));
    if (mapped.is_none()) continue;
    reservation = mapped;
    adopt_blocks(run, mapped);
  }
}

void Runner::adopt_blocks(const InitialRun& run, BlockId at) {
  for (const InitialBlock& block : run.blocks) {
    const BlockId id = policy_.adopt_block(at, Address(block.addr), Bytes(block.size), Bytes(block.requested));
    if (id.is_none()) continue;
    at = id;
    blocks_[block.life] = id;
    if (!block.pending) continue;
    policy_.record_stream(id, kSomeOtherStream);
    policy_.free(id);
    wait(block.life);
  }
}

}  // namespace unfrag::replay
