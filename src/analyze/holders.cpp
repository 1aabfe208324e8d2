#include "analyze/holders.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

namespace unfrag::analyze {
namespace {

class Collector {
 public:
  Collector(const trace::Trace& trace, const UserCode& user_code, Grouping grouping)
      : trace_(trace), user_code_(user_code), grouping_(grouping) {}

  void add(const MemoryState& state, Held Holder::* moment) {
    for (const PlacedSegment& segment : state.segments) {
      for (uint32_t i = 0; i < segment.block_count; ++i) {
        const PlacedBlock& block = state.blocks[segment.first_block + i];
        if (block.pending) continue;
        Entry& entry = holder_of(block, segment.run);
        Held& held = entry.holder.*moment;
        held.bytes += Bytes(block.size);
        ++held.blocks;
        entry.by_stack[block.stack] += block.size;
        entry.bytes_of(moment)[static_cast<size_t>(block.kind)] += block.size;
      }
    }
    outside_.outside = true;
    outside_.*moment = {state.allocated_outside, state.allocated_blocks_outside};
  }

  std::vector<Holder> take() {
    std::vector<Holder> holders;
    if (outside_.now.bytes + outside_.at.bytes + outside_.at_peak.bytes != Bytes()) holders.push_back(outside_);
    for (auto& [key, entry] : entries_) {
      const auto largest = std::ranges::max_element(entry.by_stack, {}, [](const auto& item) { return item.second; });
      entry.holder.stack = largest->first;
      entry.holder.kind = entry.largest_kind();
      holders.push_back(entry.holder);
    }
    // Most bytes first; what is equal in all of them in the order of the file.
    std::ranges::sort(holders, {}, [](const Holder& h) {
      return std::tuple(~h.at.bytes.value(), ~h.at_peak.bytes.value(), ~h.now.bytes.value(), h.frame, h.stream,
                        h.segment, h.stack);
    });
    return holders;
  }

 private:
  struct Entry {
    Holder holder;
    std::map<trace::StackIdx, uint64_t> by_stack;
    std::array<std::array<uint64_t, kMemoryKinds>, 3> by_kind{};  // at the moment, at the peak, now

    std::array<uint64_t, kMemoryKinds>& bytes_of(Held Holder::* moment) {
      return by_kind[moment == &Holder::at ? 0 : moment == &Holder::at_peak ? 1 : 2];
    }
    [[nodiscard]] MemoryKind largest_kind() const {
      for (const auto& bytes : by_kind) {
        const auto largest = std::ranges::max_element(bytes);
        if (*largest > 0) return static_cast<MemoryKind>(largest - bytes.begin());
      }
      return MemoryKind::kUnknown;
    }
  };

  Entry& holder_of(const PlacedBlock& block, const Run& run) {
    const Culprit culprit = user_code_.culprit(block.stack);
    std::pair<uint64_t, uint64_t> key;
    switch (grouping_) {
      case Grouping::kLine: key = {culprit.frame.value(), 0}; break;
      case Grouping::kFunction: key = function_key(culprit.frame); break;
      case Grouping::kStream: key = {static_cast<uint64_t>(run.stream), 0}; break;
      case Grouping::kSegment: key = {run.addr, 0}; break;
    }
    const auto [it, is_new] = entries_.try_emplace(key);
    if (is_new) {
      Holder& holder = it->second.holder;
      holder.stream = run.stream;
      holder.segment = run.addr;
      if (grouping_ == Grouping::kLine || grouping_ == Grouping::kFunction) {
        holder.frame = culprit.frame;
        holder.origin = culprit.origin;
      }
    }
    return it->second;
  }

  [[nodiscard]] std::pair<uint64_t, uint64_t> function_key(trace::FrameIdx index) const {
    if (index.is_none()) return {UINT64_MAX, 0};
    const trace::Frame& frame = trace_.frames[index];
    return {frame.filename.value(), frame.name.value()};
  }

  const trace::Trace& trace_;
  const UserCode& user_code_;
  const Grouping grouping_;
  std::map<std::pair<uint64_t, uint64_t>, Entry> entries_;
  Holder outside_;
};

}  // namespace

std::vector<Holder> find_holders(const trace::Trace& trace, const UserCode& user_code, Grouping grouping,
                                 const MemoryState& now, const MemoryState& at, const MemoryState& peak) {
  Collector collector(trace, user_code, grouping);
  collector.add(now, &Holder::now);
  collector.add(at, &Holder::at);
  collector.add(peak, &Holder::at_peak);
  return collector.take();
}

}  // namespace unfrag::analyze
