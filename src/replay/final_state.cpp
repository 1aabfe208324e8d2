#include "replay/final_state.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "replay/history.h"

namespace unfrag::replay {
namespace {

using alloc::Block;
using alloc::BlockId;
using alloc::BlockUse;
using trace::Action;
using trace::StackIdx;

constexpr uint32_t kNoRow = UINT32_MAX;

bool is_mapped(const Block& block) {
  return block.use == BlockUse::kAllocated || block.use == BlockUse::kPending || block.use == BlockUse::kFree;
}

trace::BlockState state_of(const Block& block) {
  if (block.use == BlockUse::kAllocated) return trace::BlockState::kAllocated;
  return block.use == BlockUse::kPending ? trace::BlockState::kPendingFree : trace::BlockState::kInactive;
}

class FinalState {
 public:
  FinalState(const trace::Trace& recorded, const trace::Device& device, const Program& program, const Runner& runner,
             trace::PartCopier& parts, trace::Builder& builder)
      : recorded_(recorded), device_(device), program_(program), runner_(runner), parts_(parts), builder_(builder) {}

  void add() {
    find_recorded_blocks();
    find_lives();
    find_segment_stacks();
    for (const BlockId head : heads()) add_segment(head);
  }

 private:
  [[nodiscard]] const Block& block(BlockId id) const { return runner_.policy().block(id); }
  [[nodiscard]] size_t row(uint32_t entry) const { return size_t{device_.first_event} + entry; }

  /// The first block of each run of memory, by address.
  [[nodiscard]] std::vector<BlockId> heads() const {
    std::vector<BlockId> heads;
    for (uint32_t i = 0; i < runner_.policy().block_rows(); ++i) {
      const Block& it = block(BlockId(i));
      if (is_mapped(it) && (it.prev.is_none() || !is_mapped(block(it.prev)))) heads.emplace_back(i);
    }
    std::ranges::sort(heads, {}, [&](BlockId id) { return block(id).addr; });
    return heads;
  }

  void add_segment(BlockId head) {
    const Block& first = block(head);
    const alloc::Owner owner = runner_.policy().owner_of(head);
    trace::Segment segment;
    segment.addr = Address(first.addr);
    segment.stream = owner.stream;
    segment.kind = owner.small ? trace::PoolKind::kSmall : trace::PoolKind::kLarge;
    segment.pool = program_.pools[owner.pool.value()];
    segment.expandable = first.expandable();
    segment.has_recorded_sums = true;
    segment.has_recorded_requested = recorded_.segments.empty() || recorded_.segments[0].has_recorded_requested;
    segment.first_block = static_cast<uint32_t>(builder_.trace.blocks.size_rows());
    if (first.whole) segment.stack = stack_of_segment(first.addr);
    for (BlockId id = head; !id.is_none() && is_mapped(block(id)); id = block(id).next) {
      add_block(id);
      count(block(id), segment);
    }
    builder_.trace.segments.push_back(segment);
  }

  static void count(const Block& block, trace::Segment& segment) {
    ++segment.block_count;
    segment.total += Bytes(block.size);
    if (block.use == BlockUse::kAllocated) segment.recorded_allocated += Bytes(block.size);
    if (block.use == BlockUse::kFree) return;
    segment.recorded_active += Bytes(block.size);
    segment.recorded_requested += Bytes(block.requested);
  }

  void add_block(BlockId id) {
    const Block& it = block(id);
    trace::BlockFields fields{.addr = it.addr,
                              .size = it.size,
                              .requested = std::min(it.requested, it.size),  // left over, where nothing is handed out
                              .state = state_of(it)};
    if (it.use != BlockUse::kFree) tell_who(life_of_block_[id.value()], fields);
    builder_.add_block(fields);
  }

  void tell_who(uint32_t life, trace::BlockFields& fields) {
    if (life == kNoLife) return;
    const uint32_t entry = entry_of_life_[life];
    if (const uint32_t recorded = recorded_block(life); recorded != kNoRow) {
      const trace::BlockTable& table = recorded_.blocks;
      fields.stack = parts_.stack(table.stack[recorded]);
      fields.forward_stack = parts_.stack(table.forward_stack[recorded]);
      fields.user_metadata = parts_.text(table.user_metadata[recorded]);
    } else if (entry != kNoEntry) {
      fields.stack = parts_.stack(recorded_.events.stack[row(entry)]);
      fields.forward_stack = parts_.stack(recorded_.context_of(row(entry)).forward_stack);
    }
  }

  // ---- What the recording knows ----

  void find_recorded_blocks() {
    for (uint32_t s = 0; s < device_.segment_count; ++s) {
      const trace::Segment& segment = recorded_.segments[device_.first_segment + s];
      for (uint32_t i = 0; i < segment.block_count; ++i) {
        const uint32_t at = segment.first_block + i;
        if (recorded_.blocks.state[at] == trace::BlockState::kInactive) continue;
        recorded_blocks_.emplace_back(recorded_.blocks.addr[at], at);
      }
    }
    std::ranges::sort(recorded_blocks_);
  }

  /// Where the recording's final state has the block of a life that it does not end.
  [[nodiscard]] uint32_t recorded_block(uint32_t life) const {
    const uint64_t addr = recorded_addr_[life];
    const auto found = std::ranges::lower_bound(recorded_blocks_, std::pair(addr, uint32_t{0}));
    return found != recorded_blocks_.end() && found->first == addr ? found->second : kNoRow;
  }

  void find_lives() {
    entry_of_life_.resize(program_.lives, kNoEntry);
    recorded_addr_.resize(program_.lives, 0);
    for (const InitialRun& run : program_.initial) {
      for (const InitialBlock& initial : run.blocks) recorded_addr_[initial.life] = initial.addr;
    }
    for (const Op& op : program_.ops) {
      if (op.kind != OpKind::kAllocate) continue;
      entry_of_life_[op.life] = op.entry;
      if (!op.was_refused) recorded_addr_[op.life] = recorded_.events.addr[row(op.entry)];
    }
    life_of_block_.resize(runner_.policy().block_rows(), kNoLife);
    for (uint32_t life = 0; life < program_.lives; ++life) {
      const BlockId id = runner_.block_of(life);
      if (!id.is_none()) life_of_block_[id.value()] = life;
    }
  }

  // Of the segments that were there when the recording began, and of those obtained since.
  void find_segment_stacks() {
    for (uint32_t s = 0; s < device_.segment_count; ++s) {
      const trace::Segment& segment = recorded_.segments[device_.first_segment + s];
      if (std::ranges::binary_search(program_.initial, segment.addr.value(), {}, &InitialRun::addr)) {
        stack_of_segment_[segment.addr.value()] = parts_.stack(segment.stack);
      }
    }
    const trace::EventTable& events = builder_.trace.events;
    for (size_t i = 0; i < events.size_rows(); ++i) {
      if (events.action[i] == Action::kSegmentAlloc) stack_of_segment_[events.addr[i]] = events.stack[i];
    }
  }
  [[nodiscard]] StackIdx stack_of_segment(uint64_t addr) const {
    const auto found = stack_of_segment_.find(addr);
    return found == stack_of_segment_.end() ? trace::kEmptyStack : found->second;
  }

  const trace::Trace& recorded_;
  const trace::Device& device_;
  const Program& program_;
  const Runner& runner_;
  trace::PartCopier& parts_;
  trace::Builder& builder_;
  std::vector<std::pair<uint64_t, uint32_t>> recorded_blocks_;  // address, row
  std::vector<uint32_t> entry_of_life_;
  std::vector<uint64_t> recorded_addr_;  // by life
  std::vector<uint32_t> life_of_block_;
  std::unordered_map<uint64_t, StackIdx> stack_of_segment_;  // by address
};

}  // namespace

void add_final_state(const trace::Trace& recorded, const trace::Device& device, const Program& program,
                     const Runner& runner, trace::PartCopier& parts, trace::Builder& builder) {
  FinalState(recorded, device, program, runner, parts, builder).add();
}

}  // namespace unfrag::replay
