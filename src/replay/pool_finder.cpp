#include "replay/pool_finder.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace unfrag::replay {
namespace {

using trace::Action;

/// An expandable segment's pages, and where they lie.
struct Pages {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint32_t segment_entry = 0;
};

}  // namespace

PoolFinder::PoolFinder(const trace::Trace& trace, const trace::Device& device, const History& history)
    : trace_(trace), device_(device), history_(history), pools_(1), index_of_pool_{{{}, 0}} {
  pool_of_context_.reserve(trace.contexts.size());
  for (uint32_t c = 0; c < trace.contexts.size(); ++c) {
    const trace::EventContext& context = trace.contexts[trace::ContextIdx(c)];
    pool_of_context_.push_back(context.has_pool ? pool_index(context.pool) : kUnknown);
  }
  find_units();
  rewind();
}

uint32_t PoolFinder::pool_index(const trace::PoolId& pool) {
  const auto [found, is_new] = index_of_pool_.try_emplace(pool, static_cast<uint32_t>(pools_.size()));
  if (is_new) pools_.push_back(pool);
  any_private_ = pools_.size() > 1;
  return found->second;
}

// Each plain segment is a unit. Pages whose addresses touch belong to one reservation: others lie a device's size away.
void PoolFinder::find_units() {
  std::map<uint64_t, uint32_t> alive;  // plain segments: begin → unit
  const auto add = [&](uint64_t begin, uint64_t end) {
    units_.push_back({.begin = begin, .end = end});
    return static_cast<uint32_t>(units_.size() - 1);
  };
  for (const auto& [addr, run] : history_.initial_segments.runs()) {
    initial_units_.push_back(add(addr, run.end()));
    alive[addr] = initial_units_.back();
  }
  unit_of_segment_entry_.resize(history_.segment_entries.size());
  std::vector<Pages> pages;
  for (uint32_t i = 0; i < history_.segment_entries.size(); ++i) {
    const size_t row = size_t{device_.first_event} + history_.segment_entries[i];
    const uint64_t begin = trace_.events.addr[row];
    const uint64_t end = begin + trace_.events.size[row];
    const Action action = trace_.events.action[row];
    if (action == Action::kSegmentMap) pages.push_back({.begin = begin, .end = end, .segment_entry = i});
    if (action == Action::kSegmentAlloc) alive[begin] = unit_of_segment_entry_[i] = add(begin, end);
    if (action == Action::kSegmentFree) alive.erase(begin);
  }
  const size_t first_reservation = units_.size();
  std::ranges::sort(pages, {}, [](const Pages& p) { return std::pair(p.begin, p.segment_entry); });
  for (const Pages& page : pages) {
    const bool joins = units_.size() > first_reservation && units_.back().end >= page.begin;
    if (!joins) alive[page.begin] = add(page.begin, page.end);
    units_.back().end = std::max(units_.back().end, page.end);
    unit_of_segment_entry_[page.segment_entry] = static_cast<uint32_t>(units_.size() - 1);
  }
  learn_from_end(alive);
  for (uint32_t i = 0; i < history_.segment_entries.size(); ++i) {
    const size_t row = size_t{device_.first_event} + history_.segment_entries[i];
    const uint32_t told = pool_of_context_[trace_.events.context[row].value()];
    if (told == kUnknown || trace_.events.action[row] == Action::kSegmentFree) continue;
    if (trace_.events.action[row] == Action::kSegmentUnmap) continue;
    Unit& unit = units_[unit_of_segment_entry_[i]];
    unit.known = true;
    unit.pool = told;
  }
}

// What is still there when the snapshot is taken tells its pool.
void PoolFinder::learn_from_end(const std::map<uint64_t, uint32_t>& alive) {
  for (uint32_t s = device_.first_segment; s < device_.first_segment + device_.segment_count; ++s) {
    const trace::Segment& segment = trace_.segments[s];
    const auto after = alive.upper_bound(segment.addr.value());
    if (after == alive.begin()) continue;
    Unit& unit = units_[std::prev(after)->second];
    if (segment.addr.value() >= unit.end) continue;
    unit.known = true;
    unit.pool = pool_index(segment.pool);
  }
}

void PoolFinder::rewind() {
  present_.clear();
  next_ = 0;
  for (const uint32_t unit : initial_units_) present_[units_[unit].begin] = unit;
}

void PoolFinder::play(uint32_t entry) {
  const size_t i = next_++;
  const size_t row = size_t{device_.first_event} + entry;
  const Action action = trace_.events.action[row];
  if (action == Action::kSegmentFree) present_.erase(trace_.events.addr[row]);
  if (action != Action::kSegmentAlloc && action != Action::kSegmentMap) return;
  const uint32_t unit = unit_of_segment_entry_[i];
  present_[units_[unit].begin] = unit;
}

const PoolFinder::Unit* PoolFinder::unit_at(uint64_t addr) const {
  auto after = present_.upper_bound(addr);
  if (after == present_.begin()) return nullptr;
  const Unit& unit = units_[std::prev(after)->second];
  return addr < unit.end ? &unit : nullptr;
}

uint32_t PoolFinder::pool_of(size_t row, uint64_t addr) const {
  const uint32_t told = pool_of_context_[trace_.events.context[row].value()];
  return told != kUnknown ? told : pool_at(addr);
}

uint32_t PoolFinder::pool_at(uint64_t addr) const {
  const Unit* const unit = any_private_ ? unit_at(addr) : nullptr;
  return unit == nullptr ? 0 : unit->pool;
}

std::vector<uint32_t> PoolFinder::suspects(uint64_t replayed, uint64_t recorded) const {
  std::vector<uint32_t> suspects;
  const Unit* const first = unit_at(replayed);
  const Unit* const second = unit_at(recorded);
  for (const Unit* const unit : {first, second}) {
    if (unit == nullptr || unit->known || unit->pool != 0 || (unit == second && first == second)) continue;
    suspects.push_back(static_cast<uint32_t>(unit - units_.data()));
  }
  return suspects;
}

bool PoolFinder::blame(uint32_t suspect) {
  Unit& unit = units_[suspect];
  if (unit.acquitted) return false;
  unit.pool = pools_.size() > 1 ? 1 : pool_index({.first = 0, .second = 1});
  ++blamed_;
  return true;
}

void PoolFinder::acquit(uint32_t suspect) {
  units_[suspect].pool = 0;
  units_[suspect].acquitted = true;
  --blamed_;
}

}  // namespace unfrag::replay
