#include "analyze/repetition.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

namespace unfrag::analyze {
namespace {

using trace::Action;

constexpr size_t kFewestTurns = 5;         // ends of turns, so that four are complete
constexpr uint64_t kFewestAllocs = 6;      // in a usual turn; what does less fills a list
constexpr size_t kFewestKeys = 4;          // different lines (or sizes) in a turn
constexpr size_t kMostSampled = 8;         // neighbours compared
constexpr size_t kMostSampledKeys = 4096;  // entries looked at of each
constexpr size_t kMostAnchors = 32;        // tried before giving up

/// Where one stack (or size) allocates, as far as one pass can tell.
struct Visits {
  uint64_t key = 0;
  uint32_t count = 0;
  uint32_t first = 0;
  uint32_t last = 0;
  double squares = 0;  ///< Of the distances between.

  void add(uint32_t entry) {
    if (count == 0) first = entry;
    const double distance = count == 0 ? 0 : entry - last;
    squares += distance * distance;
    last = entry;
    ++count;
  }
  /// 0 for a clock, about 1 for chance.
  [[nodiscard]] double irregularity() const {
    const double sum = last - first;
    return sum == 0 ? 1e9 : (count - 1) * squares / (sum * sum) - 1;
  }
};

std::vector<Visits> collect(tsl::robin_map<uint64_t, Visits>& by_key) {
  std::vector<Visits> all;
  all.reserve(by_key.size());
  for (const auto& [key, visits] : by_key) {
    if (visits.count < kFewestTurns) continue;
    all.push_back(visits);
    all.back().key = key;
  }
  return all;
}

uint32_t median(std::vector<uint32_t> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

uint64_t longest(std::span<const uint32_t> begins) {
  uint32_t length = 0;
  for (size_t i = 0; i + 1 < begins.size(); ++i) length = std::max(length, begins[i + 1] - begins[i]);
  return length;
}

// Most are about as long as the usual one. Some may be longer: an evaluation, a checkpoint between two turns.
bool even_lengths(std::span<const uint32_t> begins) {
  std::vector<uint32_t> lengths;
  lengths.reserve(begins.size());
  for (size_t i = 0; i + 1 < begins.size(); ++i) lengths.push_back(begins[i + 1] - begins[i]);
  const uint64_t usual = median(lengths);
  const auto fits = [&](uint32_t length) { return length <= 3 * usual && 4 * uint64_t{length} >= usual; };
  return static_cast<size_t>(std::ranges::count_if(lengths, fits)) * 5 >= lengths.size() * 4;
}

/// The Python frames of a stack, outermost first: between them C++ frames lie as the unwinder happened to see them.
std::vector<trace::FrameIdx> python_frames(const trace::Trace& trace, trace::StackIdx stack) {
  std::vector<trace::FrameIdx> frames;
  for (const trace::FrameIdx frame : trace.stacks[stack]) {
    const std::string_view file = trace.strings[trace.frames[frame].filename];
    if (file.ends_with(".py") || file.ends_with(".pyw") || file.ends_with('>') || file.ends_with(".ipynb")) {
      frames.push_back(frame);
    }
  }
  std::ranges::reverse(frames);
  return frames;
}

bool is_module_call(const trace::Trace& trace, trace::FrameIdx frame) {
  const std::string_view function = trace.strings[trace.frames[frame].name];
  return function == "_call_impl" || function == "forward";
}

}  // namespace

Rhythm::Rhythm(const trace::Trace& trace, const trace::Device& device, uint32_t until)
    : trace_(trace), device_(device), until_(until) {
  allocs_.reserve(size_t{until} + 1);
  frees_.reserve(size_t{until} + 1);
  std::array<uint32_t, 2> frees{};  // by request, by completion: a recording can leave out either
  for (uint32_t entry = 0; entry < until; ++entry) {
    const Action action = trace.events.action[row(entry)];
    if (action == Action::kFreeRequested) ++frees[0];
    if (action == Action::kFreeCompleted) ++frees[1];
  }
  const Action given_back = frees[0] > 0 ? Action::kFreeRequested : Action::kFreeCompleted;
  uint32_t allocs = 0, freed = 0;
  for (uint32_t entry = 0; entry < until; ++entry) {
    allocs_.push_back(allocs);
    frees_.push_back(freed);
    const Action action = trace.events.action[row(entry)];
    if (action == Action::kAlloc) ++allocs;
    if (action == given_back) ++freed;
    has_stacks_ = has_stacks_ || (action == Action::kAlloc && trace.events.stack[row(entry)] != trace::kEmptyStack);
  }
  allocs_.push_back(allocs);
  frees_.push_back(freed);
}

bool Rhythm::is_loop(std::span<const uint32_t> begins) const {
  if (begins.size() < kFewestTurns || begins.back() > until_) return false;
  const uint64_t covered = begins.back() - begins.front();
  if (2 * covered < until_ || until_ - begins.back() > 2 * longest(begins)) return false;
  return even_lengths(begins) && frees_again(begins) && looks_alike(begins);
}

// Layers of a forward pass keep most of what they allocate, and so does a list that is being filled.
bool Rhythm::frees_again(std::span<const uint32_t> begins) const {
  size_t giving = 0;
  std::vector<uint32_t> allocs;
  allocs.reserve(begins.size());
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    allocs.push_back(allocs_[begins[i + 1]] - allocs_[begins[i]]);
    const uint64_t freed = frees_[begins[i + 1]] - frees_[begins[i]];
    if (10 * freed >= 6 * uint64_t{allocs.back()}) ++giving;
  }
  return giving * 10 >= allocs.size() * 9 && median(std::move(allocs)) >= kFewestAllocs;
}

bool Rhythm::looks_alike(std::span<const uint32_t> begins) const {
  const size_t turns = begins.size() - 1;
  const size_t samples = std::min(kMostSampled, turns - 1);
  std::vector<uint64_t> all;
  size_t alike = 0;
  for (size_t s = 0; s < samples; ++s) {
    const size_t turn = s * (turns - 1) / samples;
    const auto here = keys_between(begins[turn], begins[turn + 1]);
    const auto next = keys_between(begins[turn + 1], begins[turn + 2]);
    std::vector<uint64_t> both;
    std::ranges::set_intersection(here, next, std::back_inserter(both));
    const size_t fewer = std::min(here.size(), next.size());
    if (fewer >= kFewestKeys && both.size() * 10 >= fewer * (has_stacks_ ? 5 : 3)) ++alike;
    all.insert(all.end(), here.begin(), here.end());
  }
  if (alike * 4 < samples * 3) return false;
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  return !has_stacks_ || !inside_a_module(all);
}

/// Sorted, each once.
std::vector<uint64_t> Rhythm::keys_between(uint32_t begin, uint32_t end) const {
  std::vector<uint64_t> keys;
  for (uint32_t entry = begin; entry < end && keys.size() < kMostSampledKeys; ++entry) {
    if (is_alloc(entry)) keys.push_back(key_of(entry));
  }
  std::ranges::sort(keys);
  const auto repeated = std::ranges::unique(keys);
  keys.erase(repeated.begin(), repeated.end());
  return keys;
}

// The outermost frames that all these stacks share are where the loop is. What no Python called is the backward pass.
bool Rhythm::inside_a_module(std::span<const uint64_t> keys) const {
  std::vector<trace::FrameIdx> common;
  for (const uint64_t key : keys) {
    auto frames = python_frames(trace_, trace::StackIdx(static_cast<uint32_t>(key)));
    if (frames.empty()) continue;
    if (common.empty()) {
      common = std::move(frames);
      continue;
    }
    const auto [mine, theirs] = std::ranges::mismatch(common, frames);
    common.erase(mine, common.end());
    if (common.empty()) return false;
  }
  return common.empty() ||
         std::ranges::any_of(common, [&](trace::FrameIdx frame) { return is_module_call(trace_, frame); });
}

Rhythm::Found Rhythm::find() const {
  tsl::robin_map<uint64_t, Visits> by_key;
  for (uint32_t entry = 0; entry < until_; ++entry) {
    if (!is_alloc(entry)) continue;
    const uint64_t key = key_of(entry);
    if (has_stacks_ && key == trace::kEmptyStack.value()) continue;
    by_key[key].add(entry);
  }
  std::vector<Visits> anchors = collect(by_key);
  std::erase_if(anchors, [&](const Visits& visits) {
    return 2 * uint64_t{visits.last - visits.first} < until_ || visits.irregularity() > 4;
  });
  // The coarsest first, but what comes like a clock before what does not; of equals the one that comes earliest.
  std::ranges::sort(anchors, {}, [](const Visits& visits) {
    return std::tuple(visits.irregularity() > 0.5, visits.count, visits.first);
  });
  // Lines of one turn come equally often and would be judged alike: two of each kind are enough.
  size_t same = 0;
  std::vector<Visits> tried;
  for (size_t i = 0; i < anchors.size() && tried.size() < kMostAnchors; ++i) {
    same = i > 0 && anchors[i].count == anchors[i - 1].count ? same + 1 : 0;
    if (same < 2) tried.push_back(anchors[i]);
  }
  tsl::robin_map<uint64_t, size_t> places;
  std::vector<Found> found(tried.size());
  for (size_t i = 0; i < tried.size(); ++i) {
    places.emplace(tried[i].key, i);
    found[i].begins.reserve(tried[i].count);
    if (has_stacks_) found[i].anchor = trace::StackIdx(static_cast<uint32_t>(tried[i].key));
  }
  for (uint32_t entry = 0; entry < until_ && !tried.empty(); ++entry) {
    if (!is_alloc(entry)) continue;
    if (const auto place = places.find(key_of(entry)); place != places.end()) {
      found[place->second].begins.push_back(entry);
    }
  }
  for (Found& one : found) {
    if (is_loop(one.begins)) return std::move(one);
  }
  return {};
}

}  // namespace unfrag::analyze
