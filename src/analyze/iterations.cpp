#include "analyze/iterations.h"

#include <fmt/format.h>
#include <tsl/robin_map.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "analyze/repetition.h"

namespace unfrag::analyze {
namespace {

using trace::Action;

constexpr size_t kFewestBegins = kFewestIterations + 1;
constexpr size_t kMostScopesTried = 16;
constexpr size_t kMostScopesAnEntry = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "ProfilerStep#12" → "ProfilerStep".
std::string_view without_number(std::string_view name) {
  std::string_view rest = name;
  while (!rest.empty() && is_digit(rest.back())) rest.remove_suffix(1);
  return rest.size() < name.size() && rest.ends_with('#') ? rest.substr(0, rest.size() - 1) : name;
}

enum class Scope : uint8_t { kProfilerStep, kOptimizerStep, kOther };
Scope scope_of(std::string_view name) {
  if (name == "ProfilerStep") return Scope::kProfilerStep;
  return name.starts_with("Optimizer.step#") ? Scope::kOptimizerStep : Scope::kOther;
}

void keep_distinct(std::vector<uint32_t>& entries) {
  std::ranges::sort(entries);
  const auto repeated = std::ranges::unique(entries);
  entries.erase(repeated.begin(), repeated.end());
}

/// Scopes of one name. An optimizer's step is a part of an iteration, other scopes are taken for whole ones.
struct Scopes {
  std::string_view name{};
  Scope kind = Scope::kOther;
  uint32_t starts = 0;
  std::vector<uint32_t> begins{};
  uint32_t last_end = 0;  ///< Where the last one ended; 0 if it did not.
};

/// Annotations as entries of one device.
class Annotations {
 public:
  Annotations(const trace::Trace& trace, const trace::Device& device, bool complete, uint32_t until)
      : trace_(trace), device_(device), complete_(complete), until_(until) {
    // A device with next to no entries has no iterations; a file could have thousands of them.
    const bool too_many = trace.annotations.size() / kMostScopesAnEntry > device.event_count;
    if (trace.events.time_us.empty() || too_many) return;
    first_time_ = trace.time_of(device.first_event);
    // A thread on another device may be the one that annotates.
    own_ = std::ranges::any_of(trace.annotations, [&](const trace::Annotation& note) { return is_own(note); });
    number_names();
    place();
  }

  std::vector<Scopes>& scopes() { return scopes_; }

 private:
  [[nodiscard]] bool is_own(const trace::Annotation& note) const {
    return device_.kind == trace::DeviceKind::kGpu && note.device == device_.index;
  }
  [[nodiscard]] bool counts(const trace::Annotation& note) const { return !own_ || is_own(note); }

  void number_names() {
    tsl::robin_map<std::string_view, uint32_t> numbers;
    std::vector<Scopes> all;
    group_.assign(trace_.annotations.size(), kNoGroup);
    for (size_t i = 0; i < group_.size(); ++i) {
      const trace::Annotation& note = trace_.annotations[i];
      if (!counts(note) || note.stage == trace::Stage::kOther) continue;
      const std::string_view name = without_number(trace_.strings[note.name]);
      const auto [found, is_new] = numbers.try_emplace(name, static_cast<uint32_t>(all.size()));
      if (is_new) all.push_back({.name = name, .kind = scope_of(name)});
      group_[i] = found->second;
      all[found->second].starts += note.stage == trace::Stage::kStart;
    }
    keep_frequent(all);
  }

  // Names that come seldom are of no use, and a file could have a million of them.
  void keep_frequent(std::vector<Scopes>& all) {
    std::vector<uint32_t> renumbered(all.size(), kNoGroup);
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].starts < kFewestIterations) continue;
      renumbered[i] = static_cast<uint32_t>(scopes_.size());
      scopes_.push_back(std::move(all[i]));
    }
    for (uint32_t& group : group_) {
      if (group != kNoGroup) group = renumbered[group];
    }
  }

  void place() {
    for (size_t i = 0; i < group_.size(); ++i) {
      if (group_[i] == kNoGroup) continue;
      const trace::Annotation& note = trace_.annotations[i];
      const uint32_t entry = entry_at(note.time_us);
      Scopes& scopes = scopes_[group_[i]];
      if (entry > until_) continue;
      if (note.stage == trace::Stage::kEnd) scopes.last_end = std::max(scopes.last_end, entry);
      if (note.stage != trace::Stage::kStart) continue;
      if (note.time_us < first_time_ && !complete_) continue;  // its beginning was lost
      scopes.begins.push_back(entry);
    }
    for (Scopes& scopes : scopes_) {
      keep_distinct(scopes.begins);
      const bool ended = !scopes.begins.empty() && scopes.last_end > scopes.begins.back();
      if (ended && scopes.kind != Scope::kOptimizerStep) scopes.begins.push_back(scopes.last_end);
    }
  }

  /// The first entry at or after that time. Times are ascending but for microseconds.
  [[nodiscard]] uint32_t entry_at(int64_t time_us) const {
    uint32_t low = 0, high = device_.event_count;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (trace_.time_of(size_t{device_.first_event} + middle) < time_us)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  static constexpr uint32_t kNoGroup = UINT32_MAX;
  const trace::Trace& trace_;
  const trace::Device& device_;
  bool complete_;
  uint32_t until_;
  int64_t first_time_ = trace::kNoTime;
  bool own_ = false;
  std::vector<uint32_t> group_;  ///< Of each annotation its scopes, or kNoGroup.
  std::vector<Scopes> scopes_;
};

uint64_t span_of(const std::vector<uint32_t>& begins) { return begins.empty() ? 0 : begins.back() - begins.front(); }

// The coarsest of those that cover (nearly) what all of them cover: with gradient accumulation the optimizer steps and
// not the profiler's, with two optimizers whichever steps less often, but not one that trained for a while only.
Iterations from_step_annotations(const std::vector<Scopes>& all) {
  Scopes optimizers{.name = "Optimizer.step", .kind = Scope::kOptimizerStep};
  std::vector<const Scopes*> candidates;
  std::vector<uint32_t> any;
  for (const Scopes& scopes : all) {
    if (scopes.kind == Scope::kOther) continue;
    any.insert(any.end(), scopes.begins.begin(), scopes.begins.end());
    if (scopes.kind == Scope::kProfilerStep) {
      candidates.insert(candidates.begin(), &scopes);  // a whole iteration tells more than a step in it
      continue;
    }
    candidates.push_back(&scopes);
    optimizers.begins.insert(optimizers.begins.end(), scopes.begins.begin(), scopes.begins.end());
  }
  keep_distinct(any);
  keep_distinct(optimizers.begins);
  candidates.push_back(&optimizers);
  const Scopes* best = nullptr;
  for (const Scopes* scopes : candidates) {
    if (scopes->begins.size() < kFewestBegins || 4 * span_of(scopes->begins) < 3 * span_of(any)) continue;
    if (best == nullptr || 4 * scopes->begins.size() < 3 * best->begins.size()) best = scopes;
  }
  if (best == nullptr) return {};
  return {.source = Iterations::kAnnotations, .name = std::string(best->name), .begins = best->begins};
}

// Scopes of the user's own can be anything, a layer for example: only what looks like a loop is one.
Iterations from_other_annotations(std::vector<Scopes>& all, const Rhythm& rhythm) {
  std::erase_if(
      all, [](const Scopes& scopes) { return scopes.kind != Scope::kOther || scopes.begins.size() < kFewestBegins; });
  std::ranges::sort(all, {}, [](const Scopes& scopes) { return std::pair(scopes.begins.size(), scopes.begins[0]); });
  for (size_t i = 0; i < std::min(all.size(), kMostScopesTried); ++i) {
    if (!rhythm.is_loop(all[i].begins)) continue;
    return {.source = Iterations::kAnnotations, .name = std::string(all[i].name), .begins = all[i].begins};
  }
  return {};
}

std::string line_of(const trace::Trace& trace, const UserCode& user_code, trace::StackIdx stack) {
  const trace::FrameIdx frame = user_code.culprit(stack).frame;
  if (frame.is_none()) return {};
  return fmt::format("{}:{}", trace.strings[trace.frames[frame].filename], trace.frames[frame].line);
}

// Runs of entries of one kind, each begun after other allocations; entries of the optimizer's step, else of zero_grad.
Iterations from_optimizer_stacks(const trace::Trace& trace, const trace::Device& device, const UserCode& user_code,
                                 uint32_t until) {
  const OptimizerCode& code = user_code.optimizer();
  std::optional<trace::StackIdx> mark;
  for (const OptimizerCode::Part part : {OptimizerCode::kStep, OptimizerCode::kZeroGrad}) {
    if (!code.has(part)) continue;
    Iterations found{.source = Iterations::kOptimizer};
    bool inside = false;
    for (uint32_t entry = 0; entry < until; ++entry) {
      const size_t row = size_t{device.first_event} + entry;
      const bool is_part = code.part_of(trace.events.stack[row]) == part;
      const bool is_alloc = trace.events.action[row] == Action::kAlloc;
      if (is_part && !inside && (is_alloc || part == OptimizerCode::kZeroGrad)) {
        found.begins.push_back(entry);
        mark = trace.events.stack[row];
        inside = true;
      }
      if (!is_part && is_alloc) inside = false;
    }
    if (found.begins.size() < kFewestBegins) continue;
    found.name = line_of(trace, user_code, *mark);
    return found;
  }
  return {};
}

}  // namespace

Iterations find_iterations(const trace::Trace& trace, const trace::Device& device, const History& history,
                           const UserCode& user_code, uint32_t until) {
  until = std::min(until, device.event_count);
  if (until < kFewestBegins) return {};
  Annotations annotations(trace, device, history.complete, until);
  Iterations found = from_step_annotations(annotations.scopes());
  if (found.source == Iterations::kNone) found = from_optimizer_stacks(trace, device, user_code, until);
  if (found.source != Iterations::kNone) return found;
  const Rhythm rhythm(trace, device, until);
  found = from_other_annotations(annotations.scopes(), rhythm);
  if (found.source != Iterations::kNone) return found;
  auto [begins, anchor] = rhythm.find();
  if (begins.empty()) return {};
  return {.source = Iterations::kRepetition, .name = line_of(trace, user_code, anchor), .begins = std::move(begins)};
}

}  // namespace unfrag::analyze
