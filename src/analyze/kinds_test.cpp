#include "analyze/kinds.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/builder.h"

namespace unfrag::analyze {
namespace {

using trace::Action;
using Kind = MemoryKind;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kSegment = 1024 * kMiB;
constexpr std::string_view kTorch = "/usr/lib/python3/dist-packages/torch/";

/// A program that allocates and frees, with the stacks of PyTorch's own code.
class Program : public testing::Test {
 protected:
  using Frames = std::vector<std::pair<std::string, std::string>>;  // function, file: innermost first

  trace::StackIdx stack(const Frames& frames) {
    std::vector<trace::FrameIdx> indices;
    indices.reserve(frames.size());
    for (const auto& [function, file] : frames) {
      indices.push_back(builder_.intern(trace::Frame{builder_.intern(function), builder_.intern(file), 7}));
    }
    return builder_.intern(indices);
  }
  static std::string torch(std::string_view file) { return std::string(kTorch) + std::string(file); }

  /// Each returns the number of the life.
  uint32_t setup(uint64_t size) { return alloc(size, stack({{"_apply", torch("nn/modules/module.py")}, main_})); }
  uint32_t forward(uint64_t size, const std::string& line = "forward") {
    return alloc(size, stack({{line, "/home/user/model.py"}, {"_call_impl", torch("nn/modules/module.py")}, main_}));
  }
  uint32_t backward(uint64_t size) { return alloc(size, trace::kEmptyStack); }
  uint32_t step(uint64_t size) {
    return alloc(size, stack({{"step", "/home/user/optim.py"}, {"wrapper", torch("optim/optimizer.py")}, main_}));
  }
  uint32_t line(uint64_t size, const std::string& function = "main", int64_t stream = 0) {
    return alloc(size, stack({{function, "/home/user/train.py"}}), stream);
  }
  uint32_t unseen(uint64_t size) { return alloc(size, trace::kEmptyStack); }

  uint32_t alloc(uint64_t size, trace::StackIdx stack, int64_t stream = 0) {
    trace::EventFields event{.action = Action::kAlloc, .addr = next_, .size = size, .stack = stack};
    event.context.stream = stream;
    event.context.category = category_;
    add(event);
    const auto life = static_cast<uint32_t>(addresses_.size());
    addresses_.emplace_back(next_, size);
    next_ += (size + 511) / 512 * 512;
    return life;
  }
  void free(uint32_t life, trace::StackIdx stack = trace::kEmptyStack) {
    const auto [addr, size] = addresses_[life];
    for (const Action action : {Action::kFreeRequested, Action::kFreeCompleted}) {
      add({.action = action, .addr = addr, .size = size, .stack = stack});
    }
  }
  void free_in_zero_grad(uint32_t life) { free(life, stack({{"zero_grad", torch("optim/optimizer.py")}, main_})); }
  void free_in_main(uint32_t life) { free(life, stack({main_})); }
  void oom() { add({.action = Action::kOom, .size = kMiB}); }

  void add(const trace::EventFields& event) {
    if (builder_.trace.events.size_rows() == 0 && event.action != Action::kSegmentAlloc) {
      add({.action = Action::kSegmentAlloc, .addr = 0, .size = kSegment});
    }
    builder_.add_event(event);
    ++device_.event_count;
  }

  std::vector<Kind> kinds() {
    history_ = build_history(builder_.trace, device_);
    const UserCode user_code(builder_.trace);
    StackRoles roles(builder_.trace, user_code);
    const Kinds found(builder_.trace, device_, history_, roles);
    std::vector<Kind> kinds;
    kinds.reserve(history_.lives.size());
    for (uint32_t i = 0; i < history_.lives.size(); ++i) kinds.push_back(found.of_life(i));
    return kinds;
  }
  Kind kind(uint32_t life) { return kinds()[life]; }

  const std::pair<std::string, std::string> main_ = {"main", "/home/user/train.py"};
  trace::Builder builder_;
  trace::Device device_;
  trace::StringIdx category_ = trace::kEmptyString;
  History history_;
  uint64_t next_ = 0;
  std::vector<std::pair<uint64_t, uint64_t>> addresses_;
};

TEST_F(Program, ThatTrainsHasAllKinds) {
  const auto weight = setup(kMiB);
  std::map<std::string, std::vector<uint32_t>> made;
  uint32_t batch = 0, state = 0;
  for (int i = 0; i < 3; ++i) {
    const auto next = line(2 * kMiB);
    if (i > 0) free_in_main(batch);
    batch = next;
    made["batch"].push_back(batch);
    const auto hidden = forward(3 * kMiB);
    const auto loss = line(512);
    const auto flowing = backward(3 * kMiB);
    const auto gradient = backward(kMiB);
    free(hidden);
    free(flowing);
    if (i == 0) state = step(kMiB);
    const auto scratch = step(kMiB);
    free_in_main(scratch);
    free_in_main(loss);
    free_in_zero_grad(gradient);
    for (const auto& [name, life] :
         {std::pair("activation", hidden), std::pair("activation", loss), std::pair("gradient", flowing),
          std::pair("gradient", gradient), std::pair("scratch", scratch)}) {
      made[name].push_back(life);
    }
  }
  const std::vector<Kind> found = kinds();
  EXPECT_EQ(found[weight], Kind::kParameters);
  EXPECT_EQ(found[state], Kind::kOptimizerState);
  for (const auto& [name, kind] : {std::pair("batch", Kind::kInputs), std::pair("activation", Kind::kActivations),
                                   std::pair("gradient", Kind::kGradients), std::pair("scratch", Kind::kWorkspaces)}) {
    for (const uint32_t life : made[name]) EXPECT_EQ(found[life], kind) << name << " " << life;
  }
}

TEST_F(Program, WithoutAnyStackIsUnknownButForCublas) {
  const auto a = unseen(kMiB), b = unseen(8'519'680);
  EXPECT_EQ(kind(a), Kind::kUnknown);
  EXPECT_EQ(kind(b), Kind::kWorkspaces);
}

TEST_F(Program, ThatRunsOutOfMemoryInAStepLeavesWhatTheStepMadeUnknown) {
  forward(kMiB);
  backward(kMiB);
  const auto perhaps = step(kMiB);
  oom();
  EXPECT_EQ(kind(perhaps), Kind::kUnknown);
}

TEST_F(Program, ThatEndsAfterAStepLeavesItsState) {
  forward(kMiB);
  backward(kMiB);
  const auto state = step(kMiB);
  EXPECT_EQ(kind(state), Kind::kOptimizerState);
}

TEST_F(Program, KeepsTheWorkspaceOfItsFirstMatrixProduct) {
  const auto workspace = forward(32 * kMiB);
  for (int i = 0; i < 3; ++i) free(forward(32 * kMiB));
  EXPECT_EQ(kind(workspace), Kind::kWorkspaces);
  forward(32 * kMiB);
  EXPECT_EQ(kind(workspace), Kind::kActivations) << "two are kept: results, then";
}

TEST_F(Program, ThatKeepsItsLossesKeepsActivations) {
  std::vector<uint32_t> losses;
  for (int i = 0; i < 3; ++i) {
    losses.push_back(forward(5 * kMiB));
    backward(512);
  }
  for (const uint32_t loss : losses) EXPECT_EQ(kind(loss), Kind::kActivations);
}

TEST_F(Program, IsNotKnownByWhatItsOwnLinesSetUpAndKeep) {
  const auto table = line(kMiB, "make_tables");
  const auto data = line(7 * kMiB, "main");
  for (int i = 0; i < 4; ++i) {
    const auto hidden = forward(kMiB);
    const auto flowing = backward(kMiB);
    free(hidden);
    free(flowing);
  }
  EXPECT_EQ(kind(table), Kind::kUnknown);
  EXPECT_EQ(kind(data), Kind::kInputs) << "made where the model is called";
}

TEST_F(Program, ThatMakesItsParametersByHandIsKnownByTheirGradients) {
  const auto first = line(3 * kMiB, "make"), second = line(5 * kMiB, "make"), other = line(kMiB, "make");
  const auto hidden = forward(kMiB);
  backward(5 * kMiB);
  backward(3 * kMiB);
  free(hidden);
  step(512);
  EXPECT_EQ(kind(first), Kind::kParameters);
  EXPECT_EQ(kind(second), Kind::kParameters);
  EXPECT_EQ(kind(other), Kind::kUnknown);
}

TEST_F(Program, ThatCopiesBatchesOnAnotherStreamHasInputs) {
  forward(kMiB);
  const auto early = line(kMiB, "load", 7);
  backward(kMiB);
  forward(kMiB);
  const auto late = line(kMiB, "load", 7);
  EXPECT_EQ(kind(early), Kind::kInputs);
  EXPECT_EQ(kind(late), Kind::kInputs);
}

TEST_F(Program, ThatReusesAnAddressWhoseFreeIsMissingIsReadToTheEnd) {
  const uint32_t batch = line(4 * kMiB);
  next_ = addresses_[batch].first;
  forward(4 * kMiB);  // its address is in use: the free must have been at this very entry, which begins a phase
  backward(4 * kMiB);
  EXPECT_EQ(kinds().size(), 3U);
}

TEST_F(Program, WithoutModulesIsKnownByWhatItsBackwardPassFrees) {
  for (int i = 0; i < 2; ++i) {
    const auto product = line(kMiB, "loss");
    const auto sum = line(kMiB, "loss");
    free_in_main(sum);
    backward(kMiB);
    free(product);
    EXPECT_EQ(kind(product), Kind::kActivations);
    EXPECT_EQ(kind(sum), Kind::kActivations) << "made by the same line";
  }
}

TEST_F(Program, ThatWasProfiledSaysItself) {
  category_ = builder_.intern("AUTOGRAD_DETAIL");
  const auto flowing = forward(kMiB);
  category_ = builder_.intern("Category.OPTIMIZER_STATE");
  const auto state = forward(kMiB);
  EXPECT_EQ(kind(flowing), Kind::kGradients);
  EXPECT_EQ(kind(state), Kind::kOptimizerState);
}

TEST_F(Program, HasSumsThatEqualWhatIsAllocated) {
  const auto weight = setup(kMiB);
  forward(3 * kMiB);
  builder_.trace.segments.emplace_back();
  trace::Segment& segment = builder_.trace.segments.back();
  segment.total = Bytes(kSegment);
  segment.block_count = 2;
  device_.segment_count = 1;
  builder_.add_block({.addr = 0, .size = kMiB, .requested = kMiB, .state = trace::BlockState::kAllocated});
  builder_.add_block({.addr = kMiB, .size = 3 * kMiB, .requested = 3 * kMiB, .state = trace::BlockState::kAllocated});
  EXPECT_EQ(kind(weight), Kind::kParameters);
  const UserCode user_code(builder_.trace);
  StackRoles roles(builder_.trace, user_code);
  const Kinds found(builder_.trace, device_, history_, roles);
  MemoryState now = final_state(builder_.trace, device_);
  MemoryState before = state_after(builder_.trace, device_, history_, 1);
  found.mark(now);
  found.mark(before);
  before.allocated_outside = 5_MiB;
  before.allocated_blocks_outside = 1;
  const KindUses uses = sum_kinds(now, before, now);
  EXPECT_EQ(uses[static_cast<size_t>(Kind::kParameters)].now.bytes, 1_MiB);
  EXPECT_EQ(uses[static_cast<size_t>(Kind::kActivations)].now.bytes, 3_MiB);
  EXPECT_EQ(uses[static_cast<size_t>(Kind::kActivations)].at.bytes, Bytes());
  EXPECT_EQ(uses[static_cast<size_t>(Kind::kUnknown)].at.bytes, 5_MiB) << "what contradicts the segments";
}

}  // namespace
}  // namespace unfrag::analyze
