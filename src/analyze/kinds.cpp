#include "analyze/kinds.h"

#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "analyze/annotated_roles.h"
#include "analyze/size_match.h"

namespace unfrag::analyze {
namespace {

using trace::StackIdx;

// cuBLAS workspaces as PyTorch sizes them (aten/src/ATen/cuda/CublasHandlePool.cpp, CUDABlas.cpp). The first is no
// tensor's size but by rare chance; the others are, and need more evidence: Hopper's, cuBLASLt's.
constexpr uint64_t kWorkspaceForSure = 8'519'680;                   // 2 of 4 MiB, 8 of 16 KiB
constexpr uint64_t kPerhapsWorkspaces[] = {33'554'432, 1'048'576};  // 32 MiB, 1 MiB

/// Who was at work, in the order of the entries; what of it says nothing about that is left out.
enum class Phase : uint8_t { kNone, kForward, kBackward, kUpdate };
struct PhaseStart {
  uint32_t entry = 0;
  Phase phase = Phase::kNone;
  uint32_t forwards = 0;   ///< Forward phases begun by then, this one included.
  uint32_t backwards = 0;  ///< Backward phases.
};

Phase phase_of(Role role) {
  switch (role) {
    case Role::kForward:
    case Role::kFunction: return Phase::kForward;
    case Role::kBackward:
    case Role::kBuckets: return Phase::kBackward;
    case Role::kUpdate:
    case Role::kState: return Phase::kUpdate;
    default: return Phase::kNone;
  }
}

/// What the lives of one stack have in common.
struct StackFacts {
  uint32_t first_forward = kNever;  ///< Forward lives begun before the first life of the stack.
  uint32_t last_forward = 0;        ///< ... and before the last.
  uint32_t kept_by_step = 0;        ///< Lives from an optimizer's step that outlived it.
  uint32_t freed_by_step = 0;
};

/// A block that may be a workspace.
struct Suspect {
  uint32_t life = 0;
  uint32_t alike = 0;          ///< Lives of the same stack and size that were never freed.
  uint32_t come_and_gone = 0;  ///< Later lives of the same origin that were freed.
};

class Classifier {
 public:
  Classifier(const trace::Trace& trace, const trace::Device& device, const History& history, StackRoles& roles)
      : trace_(trace),
        device_(device),
        history_(history),
        roles_(roles),
        annotated_(trace, device),
        role_(history.lives.size(), Role::kNoFrames),
        kind_(history.lives.size(), MemoryKind::kUnknown) {}

  std::vector<MemoryKind> run() {
    find_style();
    read_roles();
    find_forward_without_modules();
    find_phases();
    for (uint32_t i = 0; i < kind_.size(); ++i) kind_[i] = decide(i);
    settle_last_steps();
    find_workspaces();
    match_what_was_there();
    match_gradients_left();
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      if (kind_[i] == MemoryKind::kUnknown) kind_[i] = decide_by_place(i);
    }
    take_what_the_file_says();
    return std::move(kind_);
  }

 private:
  [[nodiscard]] const Life& life(uint32_t i) const { return history_.lives[i]; }
  [[nodiscard]] size_t row(uint32_t entry) const { return size_t{device_.first_event} + entry; }
  [[nodiscard]] StackIdx stack_at(uint32_t entry) const { return trace_.events.stack[row(entry)]; }
  static bool recorded(uint32_t moment) { return moment < kBefore; }
  static bool is_empty(StackIdx stack) { return stack == trace::kEmptyStack; }
  /// Alive right before entry `moment`.
  static bool alive_before(const Life& one, uint32_t moment) {
    return (one.alloc == kBefore || one.alloc < moment) && one.free_requested != kBefore &&
           (one.free_requested >= moment);
  }
  static bool never_freed(const Life& one) { return one.free_requested == kNever; }

  // How much of the stacks was recorded: those of allocations, and of frees one of their own (context="all").
  void find_style() {
    bool block_stacks = false;
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      if (!recorded(one.alloc)) continue;
      stacks_ = stacks_ || !is_empty(stack_at(one.alloc));
      block_stacks = block_stacks || !is_empty(one.stack);
      if (!recorded(one.free_requested)) continue;
      const StackIdx free_stack = stack_at(one.free_requested);
      frees_have_own_ = frees_have_own_ || (!is_empty(free_stack) && free_stack != stack_at(one.alloc));
    }
    only_block_stacks_ = !stacks_ && block_stacks;  // context="state"
  }

  void read_roles() {
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      Role role = roles_.role(one.stack);
      if (recorded(one.alloc)) {
        if (role == Role::kNoFrames && (stacks_ || (only_block_stacks_ && never_freed(one)))) {
          role = Role::kBackward;  // autograd's threads have no Python frames
        } else if (role == Role::kNoFrames) {
          role = annotated_.at(row(one.alloc));
        } else if (is_unclear(role)) {
          const Role annotated = annotated_.at(row(one.alloc));
          if (annotated == Role::kForward || annotated == Role::kData) role = annotated;
        }
      } else if (role == Role::kNoFrames && !frees_have_own_ && recorded(one.free_requested)) {
        role = roles_.role(stack_at(one.free_requested));  // then a free carries the stack of the allocation
      }
      role_[i] = role;
    }
  }
  static bool is_unclear(Role role) {
    return role == Role::kUnclear || role == Role::kConstructor || role == Role::kNative;
  }

  // A program that calls no module has its forward pass in lines of its own: those that allocate what the backward pass
  // gives back, for it was saved for it.
  void find_forward_without_modules() {
    if (!frees_have_own_) return;
    const auto in_forward = [](Role role) { return phase_of(role) == Phase::kForward; };
    if (std::ranges::any_of(role_, in_forward)) return;
    tsl::robin_set<uint32_t> lines;  // stacks
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      if (!is_unclear(role_[i]) || !recorded(one.alloc) || !recorded(one.free_requested)) continue;
      if (role_of_free(one.free_requested) == Role::kBackward) lines.insert(one.stack.value());
    }
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      if (is_unclear(role_[i]) && lines.contains(life(i).stack.value())) role_[i] = Role::kFunction;
    }
  }

  void find_phases() {
    uint32_t forward_lives = 0;
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      if (!recorded(one.alloc)) continue;
      const Phase phase = phase_of(role_[i]);
      if (phase == Phase::kForward) {
        if (forward_lives++ == 0) forward_stream_ = stream_of(one);
      }
      if (is_unclear(role_[i])) {
        StackFacts& facts = facts_[one.stack.value()];
        if (facts.first_forward == kNever) facts.first_forward = forward_lives;
        facts.last_forward = forward_lives;
      }
      if (phase == Phase::kNone || (!phases_.empty() && phases_.back().phase == phase)) continue;
      PhaseStart start = phases_.empty() ? PhaseStart{} : phases_.back();
      start.entry = one.alloc;
      start.phase = phase;
      if (phase == Phase::kForward) ++start.forwards;
      if (phase == Phase::kBackward) ++start.backwards;
      phases_.push_back(start);
    }
    for (uint32_t entry = 0; entry < device_.event_count; ++entry) {
      if (trace_.events.action[row(entry)] == trace::Action::kOom) last_oom_ = entry;
    }
  }
  [[nodiscard]] int64_t stream_of(const Life& one) const { return trace_.context_of(row(one.alloc)).stream; }

  /// The first phase that begins after a life began.
  [[nodiscard]] size_t next_phase(const Life& one) const {
    if (one.alloc == kBefore) return 0;
    const auto next = std::ranges::upper_bound(phases_, one.alloc, {}, &PhaseStart::entry);
    return static_cast<size_t>(next - phases_.begin());
  }
  [[nodiscard]] bool had_oom_since(uint32_t entry) const { return last_oom_ != kNever && last_oom_ > entry; }

  // ---- by role ----
  MemoryKind decide(uint32_t i) {
    const Life& one = life(i);
    switch (role_[i]) {
      case Role::kSetup: return MemoryKind::kParameters;
      case Role::kData: return MemoryKind::kInputs;
      case Role::kForward:
      case Role::kFunction: return workspace_or(one, MemoryKind::kActivations);
      case Role::kBackward: return workspace_or(one, MemoryKind::kGradients);
      case Role::kBuckets: return MemoryKind::kGradients;
      case Role::kState: return MemoryKind::kOptimizerState;
      case Role::kUpdate: return decide_update(i);
      case Role::kZeroGrad:
      case Role::kScratch: return MemoryKind::kWorkspaces;
      case Role::kNoFrames: return workspace_or(one, decide_by_free(one));
      default: return workspace_or(one, MemoryKind::kUnknown);
    }
  }
  static MemoryKind workspace_or(const Life& one, MemoryKind kind) {
    return one.requested == kWorkspaceForSure ? MemoryKind::kWorkspaces : kind;
  }

  // What an optimizer's step allocates is state if it outlives the step: if it is there when the next phase begins.
  MemoryKind decide_update(uint32_t i) {
    const Life& one = life(i);
    if (is_empty(one.stack)) return decide_annotated_update(one);
    StackFacts& facts = facts_[one.stack.value()];
    const size_t next = next_phase(one);
    const bool from_before = one.alloc == kBefore;
    if (next < phases_.size() && (!from_before || phases_[next].phase != Phase::kUpdate)) {
      const bool kept = alive_before(one, phases_[next].entry);
      ++(kept ? facts.kept_by_step : facts.freed_by_step);
      return kept ? MemoryKind::kOptimizerState : MemoryKind::kWorkspaces;
    }
    if (!never_freed(one)) return from_before ? MemoryKind::kUnknown : MemoryKind::kWorkspaces;
    unsettled_.push_back(i);
    return MemoryKind::kUnknown;
  }

  // Without stacks the step's annotation spans whatever a closure does. What is never freed although another step comes
  // is state; the rest is not known.
  [[nodiscard]] MemoryKind decide_annotated_update(const Life& one) const {
    const bool another_step = annotated_.begins_after(row(one.alloc), Role::kUpdate);
    return never_freed(one) && another_step ? MemoryKind::kOptimizerState : MemoryKind::kUnknown;
  }

  // The last step of the recording: a step that ended left only state, one that failed for lack of memory left all.
  void settle_last_steps() {
    const uint32_t last_phase = phases_.empty() ? 0 : phases_.back().entry;
    for (const uint32_t i : unsettled_) {
      const StackFacts& facts = facts_[life(i).stack.value()];
      if (facts.kept_by_step == 0 && facts.freed_by_step > 0) {
        kind_[i] = MemoryKind::kWorkspaces;
      } else if (facts.kept_by_step > 0 || !had_oom_since(last_phase)) {
        kind_[i] = MemoryKind::kOptimizerState;
      }
    }
  }

  // A block without a stack: who gave it back?
  MemoryKind decide_by_free(const Life& one) {
    if (!recorded(one.free_requested)) return MemoryKind::kUnknown;
    const Role freed = role_of_free(one.free_requested);
    if (freed == Role::kZeroGrad) return MemoryKind::kGradients;
    if (one.alloc != kBefore || !frees_have_own_ || phases_.empty()) return MemoryKind::kUnknown;
    // From before the recording. In its first phase it may be anything that phase made.
    const bool in_first_phase = phases_.size() == 1 || one.free_requested < phases_[1].entry;
    if (freed == Role::kUpdate && (phases_[0].phase != Phase::kUpdate || !in_first_phase)) {
      return MemoryKind::kOptimizerState;
    }
    if (freed == Role::kBackward && phases_[0].phase == Phase::kForward) return MemoryKind::kActivations;
    return MemoryKind::kUnknown;
  }
  Role role_of_free(uint32_t entry) {
    if (!frees_have_own_) return annotated_.at(row(entry));
    const StackIdx stack = stack_at(entry);
    return is_empty(stack) ? Role::kBackward : roles_.role(stack);
  }

  // ---- workspaces that are kept ----
  // cuBLAS gets its workspace from the first matrix product of a thread and keeps it: one block of a known size that
  // stays while everything else that its line (in autograd's thread: its backward pass) allocates comes and goes.
  void find_workspaces() {
    tsl::robin_map<uint64_t, std::vector<Suspect>> suspects;  // by stack
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      if (!never_freed(one) || !may_ask_for_workspace(role_[i])) continue;
      if (std::ranges::find(kPerhapsWorkspaces, one.requested) == std::end(kPerhapsWorkspaces)) continue;
      suspects[one.stack.value()].push_back({.life = i});
    }
    if (suspects.empty()) return;
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      const auto same_stack = suspects.find(one.stack.value());
      if (same_stack == suspects.end()) continue;
      std::vector<Suspect>& of_stack = same_stack.value();
      if (of_stack.size() > kMostSuspects) continue;
      for (Suspect& suspect : of_stack) {
        const Life& other = life(suspect.life);
        if (one.requested == other.requested && never_freed(one)) ++suspect.alike;
        const bool later = recorded(one.alloc) && (other.alloc == kBefore || one.alloc > other.alloc);
        if (later && comes_and_goes(one)) ++suspect.come_and_gone;
      }
    }
    for (const auto& [stack, of_stack] : suspects) {
      for (const Suspect& suspect : of_stack) {
        if (suspect.alike == 1 && suspect.come_and_gone > 0) kind_[suspect.life] = MemoryKind::kWorkspaces;
      }
    }
  }
  static constexpr size_t kMostSuspects = 4;
  static bool may_ask_for_workspace(Role role) {
    return role == Role::kForward || role == Role::kFunction || role == Role::kBackward || role == Role::kUnclear;
  }
  // Of backward passes only what outlives one counts: gradients of activations are gone soon whatever else stays.
  [[nodiscard]] bool comes_and_goes(const Life& one) const {
    if (never_freed(one)) return false;
    if (!is_empty(one.stack)) return true;
    const size_t next = next_phase(one);
    return next < phases_.size() && alive_before(one, phases_[next].entry);
  }

  // ---- what was there all along ----
  void match_what_was_there() {
    for (const uint32_t moment : moments_of_gradients()) {
      if (match_what_was_there_at(moment)) return;
    }
  }
  bool match_what_was_there_at(uint32_t moment) {
    const auto first_backward = std::ranges::find(phases_, Phase::kBackward, &PhaseStart::phase);
    const uint32_t begin = first_backward == phases_.end() ? moment : first_backward->entry;
    std::vector<uint64_t> gradients, parameters;
    std::vector<SizedLife> candidates;
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      if (!alive_before(one, moment)) continue;
      if (kind_[i] == MemoryKind::kGradients) gradients.push_back(one.requested);
      if (kind_[i] == MemoryKind::kParameters) parameters.push_back(one.requested);
      const bool was_there = one.alloc == kBefore || one.alloc < begin;
      if (kind_[i] == MemoryKind::kUnknown && was_there) candidates.push_back({one.requested, i});
    }
    std::ranges::sort(candidates, {}, [this](const SizedLife& candidate) {
      const Life& one = life(candidate.life);
      const bool before = one.alloc == kBefore;
      return std::tuple(before ? 0 : one.alloc + 1, before ? one.addr : uint64_t{0}, candidate.life);
    });
    const SizeMatch match = match_sizes(gradients, parameters, candidates);
    for (const uint32_t i : match.parameters) kind_[i] = MemoryKind::kParameters;
    for (const uint32_t i : match.optimizer_state) kind_[i] = MemoryKind::kOptimizerState;
    return !match.parameters.empty() || !match.optimizer_state.empty();
  }

  // Blocks from before the recording's first entry whose stack is empty, though others from before have theirs: then
  // the recorder was on, and autograd's threads made them. They are gradients where they are no more than the
  // parameters of their size, and if the recorder missed little else, for it may also have been switched on between two
  // models.
  void match_gradients_left() {
    tsl::robin_map<uint64_t, std::pair<uint64_t, uint64_t>> counts;  // by size: parameters, candidates
    uint64_t known = 0, unknown = 0;
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      if (one.alloc != kBefore || !never_freed(one)) continue;
      const bool candidate = kind_[i] == MemoryKind::kUnknown && is_empty(one.stack);
      if (candidate) ++counts[one.requested].second;
      if (kind_[i] == MemoryKind::kParameters && !is_empty(one.stack)) ++counts[one.requested].first;
      if (!is_empty(one.stack)) known += one.size;
      if (candidate) unknown += one.size;
    }
    if (known / 3 * 2 < unknown) return;
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      if (one.alloc != kBefore || !never_freed(one) || !is_empty(one.stack)) continue;
      if (kind_[i] != MemoryKind::kUnknown) continue;
      const auto [parameters, candidates] = counts[one.requested];
      if (candidates <= parameters) kind_[i] = MemoryKind::kGradients;
    }
  }

  /// Entries before which all gradients of a step are there and nothing else of the backward pass: where an optimizer's
  /// step begins, or gradients are dropped, or else where a backward pass ends. The one with most of them, and the
  /// last.
  std::vector<uint32_t> moments_of_gradients() {
    std::vector<uint32_t> moments;
    for (const PhaseStart& start : phases_) {
      if (start.phase == Phase::kUpdate) moments.push_back(start.entry);
    }
    if (moments.empty()) moments = begins_of_zero_grad();
    if (moments.empty()) moments = ends_of_backward();
    std::vector<uint64_t> bytes(moments.size() + 1);  // differences, then sums
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      if (kind_[i] != MemoryKind::kGradients || one.free_requested == kBefore) continue;
      const auto from = one.alloc == kBefore ? moments.begin() : std::ranges::upper_bound(moments, one.alloc);
      const auto to = std::ranges::upper_bound(moments, one.free_requested);
      if (from > to) continue;
      bytes[static_cast<size_t>(from - moments.begin())] += one.requested;
      bytes[static_cast<size_t>(to - moments.begin())] -= one.requested;
    }
    uint64_t now = 0, most = 0;
    size_t best = 0;
    for (size_t i = 0; i < moments.size(); ++i) {
      now += bytes[i];
      if (now <= most) continue;
      most = now;
      best = i;
    }
    if (most == 0) return {};
    return {moments[best], moments.back()};
  }
  [[nodiscard]] std::vector<uint32_t> ends_of_backward() const {
    std::vector<uint32_t> ends;
    bool inside = false;
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      if (!recorded(life(i).alloc)) continue;
      const bool backward = role_[i] == Role::kBackward;
      if (inside && !backward) ends.push_back(life(i).alloc);
      inside = backward;
    }
    ends.push_back(device_.event_count);
    return ends;
  }
  std::vector<uint32_t> begins_of_zero_grad() {
    std::vector<uint32_t> begins;
    bool inside = false;
    for (uint32_t entry = 0; entry < device_.event_count; ++entry) {
      const trace::Action action = trace_.events.action[row(entry)];
      if (action != trace::Action::kFreeRequested && action != trace::Action::kAlloc) continue;
      const bool zero = action == trace::Action::kFreeRequested && role_of_free(entry) == Role::kZeroGrad;
      if (zero && !inside) begins.push_back(entry);
      inside = zero;
    }
    return begins;
  }

  // ---- by place: what the user's own lines allocate between the phases ----
  [[nodiscard]] MemoryKind decide_by_place(uint32_t i) const {
    const Life& one = life(i);
    if (!recorded(one.alloc) || !is_unclear(role_[i]) || phases_.empty()) return MemoryKind::kUnknown;
    const StackFacts& facts = facts_.at(one.stack.value());
    const bool repeated = facts.last_forward > facts.first_forward;
    if (repeated && stream_of(one) != forward_stream_) return MemoryKind::kInputs;  // copied beside the computation
    const size_t next = next_phase(one);
    const Phase before = next == 0 ? Phase::kNone : phases_[next - 1].phase;
    const Phase after = next == phases_.size() ? Phase::kNone : phases_[next].phase;
    if (after == Phase::kForward && alive_before(one, phases_[next].entry)) {
      return decide_before_forward(i, next, repeated);
    }
    if (before == Phase::kForward && after == Phase::kBackward) return MemoryKind::kActivations;
    if (before == Phase::kForward && after == Phase::kNone) {
      if (phases_.back().backwards == 0 && repeated && facts.first_forward == 0) return MemoryKind::kInputs;
      if (had_oom_since(one.alloc)) return MemoryKind::kActivations;
    }
    return MemoryKind::kUnknown;
  }

  // Made before a forward pass and there when it begins: the pass's input, if the line makes a new one for each, or if
  // it stands where the model is called. But what stays for several passes may be anything the program keeps.
  [[nodiscard]] MemoryKind decide_before_forward(uint32_t i, size_t next, bool repeated) const {
    const Life& one = life(i);
    if (role_[i] == Role::kConstructor) return MemoryKind::kUnknown;
    const auto end = recorded(one.free_requested)
                         ? std::ranges::upper_bound(phases_, one.free_requested, {}, &PhaseStart::entry)
                         : phases_.end();
    const uint32_t passes = end[-1].forwards - (next == 0 ? 0 : phases_[next - 1].forwards);
    const bool here = roles_.calls_modules(one.stack);
    if (passes <= kPassesOfInput && (repeated || here)) return MemoryKind::kInputs;
    return here && !is_size_of_parameter(one.requested) ? MemoryKind::kInputs : MemoryKind::kUnknown;
  }
  static constexpr uint32_t kPassesOfInput = 2;  // its own, and the next where batches are made ahead
  [[nodiscard]] bool is_size_of_parameter(uint64_t size) const {
    if (parameter_sizes_.empty()) {
      for (uint32_t i = 0; i < kind_.size(); ++i) {
        if (kind_[i] == MemoryKind::kParameters) parameter_sizes_.push_back(life(i).requested);
      }
      parameter_sizes_.push_back(0);
      std::ranges::sort(parameter_sizes_);
    }
    return std::ranges::binary_search(parameter_sizes_, size);
  }

  // ---- files made from a profile ----
  void take_what_the_file_says() {
    tsl::robin_map<uint32_t, std::optional<MemoryKind>> known;  // by context
    for (uint32_t i = 0; i < kind_.size(); ++i) {
      const Life& one = life(i);
      if (!recorded(one.alloc)) continue;
      const trace::ContextIdx context = trace_.events.context[row(one.alloc)];
      const auto [found, is_new] = known.try_emplace(context.value());
      if (is_new) found.value() = kind_of_category(trace_.strings[trace_.contexts[context].category]);
      if (found->second) kind_[i] = *found->second;
    }
  }
  /// Source: torch/profiler/_memory_profiler.py, Category.
  static std::optional<MemoryKind> kind_of_category(std::string_view category) {
    std::string name(category.substr(std::min(category.size(), category.rfind('.') + 1)));
    for (char& c : name) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    if (name == "PARAMETER") return MemoryKind::kParameters;
    if (name == "OPTIMIZER_STATE") return MemoryKind::kOptimizerState;
    if (name == "INPUT") return MemoryKind::kInputs;
    if (name == "TEMPORARY") return MemoryKind::kWorkspaces;
    if (name == "ACTIVATION") return MemoryKind::kActivations;
    if (name == "GRADIENT" || name == "AUTOGRAD_DETAIL") return MemoryKind::kGradients;
    return std::nullopt;
  }

  const trace::Trace& trace_;
  const trace::Device& device_;
  const History& history_;
  StackRoles& roles_;
  AnnotatedRoles annotated_;
  std::vector<Role> role_;        // by life
  std::vector<MemoryKind> kind_;  // by life
  std::vector<PhaseStart> phases_;
  tsl::robin_map<uint32_t, StackFacts> facts_;  // by stack
  std::vector<uint32_t> unsettled_;
  mutable std::vector<uint64_t> parameter_sizes_;  // sorted; with a 0 once filled
  int64_t forward_stream_ = 0;
  uint32_t last_oom_ = kNever;
  bool stacks_ = false;
  bool only_block_stacks_ = false;
  bool frees_have_own_ = false;
};

void add(KindUses& uses, const MemoryState& state, Held KindUse::* moment) {
  for (const PlacedBlock& block : state.blocks) {
    if (block.pending) continue;
    Held& held = uses[static_cast<size_t>(block.kind)].*moment;
    held.bytes += Bytes(block.size);
    ++held.blocks;
  }
  Held& unknown = uses[static_cast<size_t>(MemoryKind::kUnknown)].*moment;
  unknown.bytes += state.allocated_outside;
  unknown.blocks += state.allocated_blocks_outside;
}

}  // namespace

Kinds::Kinds(const trace::Trace& trace, const trace::Device& device, const History& history, StackRoles& roles)
    : kinds_(Classifier(trace, device, history, roles).run()) {
  for (uint32_t i = 0; i < kinds_.size(); ++i) {
    if (history.lives[i].free_completed == kNever) at_end_.emplace_back(history.lives[i].addr, i);
  }
  std::ranges::sort(at_end_);
}

void Kinds::mark(MemoryState& state) const {
  for (PlacedBlock& block : state.blocks) block.kind = of_block(block);
}

MemoryKind Kinds::of_block(const PlacedBlock& block) const {
  if (block.life != kNoLife) return kinds_[block.life];
  const auto found = std::ranges::lower_bound(at_end_, std::pair(block.addr, uint32_t{0}));
  const bool known = found != at_end_.end() && found->first == block.addr;
  return known ? kinds_[found->second] : MemoryKind::kUnknown;
}

KindUses sum_kinds(const MemoryState& now, const MemoryState& at, const MemoryState& peak) {
  KindUses uses;
  for (size_t i = 0; i < uses.size(); ++i) uses[i].kind = static_cast<MemoryKind>(i);
  add(uses, now, &KindUse::now);
  add(uses, at, &KindUse::at);
  add(uses, peak, &KindUse::at_peak);
  return uses;
}

}  // namespace unfrag::analyze
