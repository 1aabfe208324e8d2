#include "analyze/diff.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "analyze/code_match.h"

namespace unfrag::analyze {
namespace {

constexpr uint32_t kNoNumber = std::numeric_limits<uint32_t>::max();

/// The same holder on both sides. Several of one side can be one: C++ frames count by function.
struct Pair {
  struct Half {
    const Holder* holder = nullptr;  // of several the largest
    Held peak, end;
  };
  Half a, b;
};
using Pairs = std::map<PlaceKey, Pair>;

void add(Held& sum, const Held& held) {
  sum.bytes += held.bytes;
  sum.blocks += held.blocks;
}

void add(Pair::Half& half, const Holder& holder) {
  if (half.holder == nullptr || holder.at_peak.bytes > half.holder->at_peak.bytes) half.holder = &holder;
  add(half.peak, holder.at_peak);
  add(half.end, holder.now);
}

template <class KeyOf>
PlaceKey key_of(const Holder& holder, const DiffSide& side, const KeyOf& key_of_frame) {
  constexpr PlaceKey kNoStack{kNoNumber, kNoNumber, 0, false}, kOutside{kNoNumber, kNoNumber, 1, false};
  if (holder.outside) return kOutside;
  if (holder.frame.is_none()) return kNoStack;
  const PlaceKey key = key_of_frame(side.trace->frames[holder.frame]);
  return holder.origin == Origin::kNative ? PlaceKey{kNoNumber, key.function, 0, false} : key;
}

/// Within each function, the lines that only A has and those that only B has become one, in their order.
void join_left_over(Pairs& pairs) {
  std::map<std::pair<uint32_t, uint32_t>, std::pair<std::vector<PlaceKey>, std::vector<PlaceKey>>> left;
  for (const auto& [key, pair] : pairs) {
    if (key.file == kNoNumber || (pair.a.holder != nullptr && pair.b.holder != nullptr)) continue;
    auto& [only_a, only_b] = left[{key.file, key.function}];
    (pair.a.holder != nullptr ? only_a : only_b).push_back(key);
  }
  for (const auto& [function, keys] : left) {
    const auto& [only_a, only_b] = keys;
    for (size_t i = 0; i < std::min(only_a.size(), only_b.size()); ++i) {
      const auto from = pairs.find(only_b[i]);
      pairs[only_a[i]].b = from->second.b;
      pairs.erase(from);
    }
  }
}

Pairs match(const DiffSide& a, const DiffSide& b) {
  const CodeMatch code(*a.trace, *b.trace);
  Pairs pairs;
  for (const Holder& holder : a.holders) {
    add(pairs[key_of(holder, a, [&](const trace::Frame& frame) { return code.key_in_a(frame); })].a, holder);
  }
  for (const Holder& holder : b.holders) {
    add(pairs[key_of(holder, b, [&](const trace::Frame& frame) { return code.key_in_b(frame); })].b, holder);
  }
  join_left_over(pairs);
  return pairs;
}

bool has_moved(const Diff& diff, const Pair& pair) {
  const Holder* const in_a = pair.a.holder;
  const Holder* const in_b = pair.b.holder;
  if (in_a == nullptr || in_b == nullptr || in_a->frame.is_none() || in_a->origin == Origin::kNative) return false;
  const trace::Frame& frame_a = diff.a.trace->frames[in_a->frame];
  const trace::Frame& frame_b = diff.b.trace->frames[in_b->frame];
  return frame_a.line != frame_b.line ||
         diff.a.trace->strings[frame_a.filename] != diff.b.trace->strings[frame_b.filename];
}

/// Most first; what is equal in that in the order of the files.
void sort_by_change(std::vector<HolderChange>& changes) {
  const auto frame_of = [](const Holder* holder) { return holder == nullptr ? trace::FrameIdx() : holder->frame; };
  std::ranges::sort(changes, {}, [&](const HolderChange& one) {
    const int64_t change = one.change();
    return std::tuple(change < 0 ? change : -change, frame_of(one.in_b), frame_of(one.in_a));
  });
}

MomentDiff at_moment(const Diff& diff, const Pairs& pairs, Held Pair::Half::* held) {
  MomentDiff moment;
  for (const auto& [key, pair] : pairs) {
    const HolderChange change{pair.a.holder, pair.b.holder, has_moved(diff, pair), pair.a.*held, pair.b.*held};
    add(moment.a, change.a);
    add(moment.b, change.b);
    if (change.change() > 0) moment.grew.push_back(change);
    if (change.change() < 0) moment.shrank.push_back(change);
    if (change.change() != 0 || change.a.blocks + change.b.blocks == 0) continue;
    ++moment.same;
    add(moment.same_a, change.a);
    add(moment.same_b, change.b);
  }
  sort_by_change(moment.grew);
  sort_by_change(moment.shrank);
  return moment;
}

}  // namespace

std::optional<int64_t> Diff::change(Metric metric) const {
  const auto in_a = at(a.metrics, metric), in_b = at(b.metrics, metric);
  if (!in_a || !in_b) return std::nullopt;
  return static_cast<int64_t>(*in_b - *in_a);
}

Diff compare(DiffSide a, DiffSide b) {
  Diff diff(std::move(a), std::move(b));
  const Pairs pairs = match(diff.a, diff.b);
  if (diff.a.knows_peak() && diff.b.knows_peak()) diff.peak = at_moment(diff, pairs, &Pair::Half::peak);
  diff.end = at_moment(diff, pairs, &Pair::Half::end);
  return diff;
}

}  // namespace unfrag::analyze
