// A recording made by a small program, for tests of iterations and growth: allocations by lines of a script, frees,
// annotations. Not for anything but tests.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "analyze/growth.h"
#include "analyze/iterations.h"
#include "analyze/lives.h"
#include "analyze/user_code.h"
#include "trace/builder.h"

namespace unfrag::analyze {

class Loop {
 public:
  struct Block {
    uint64_t addr = 0;
    uint64_t size = 0;
    trace::StackIdx stack;
  };
  struct Place {
    std::string_view function;
    std::string_view file;
    uint32_t line;
  };

  /// A stack of these places, outermost first, called by line `caller` of the script.
  trace::StackIdx stack(uint32_t caller, const std::vector<Place>& inner = {}) {
    std::vector<trace::FrameIdx> frames = {frame({"main", "/home/user/train.py", caller})};
    for (const Place& place : inner) frames.insert(frames.begin(), frame(place));
    return builder_.intern(std::span<const trace::FrameIdx>(frames));
  }
  static std::vector<Place> optimizer() {
    return {{"wrapper", "/x/site-packages/torch/optim/optimizer.py", 517},
            {"step", "/x/site-packages/torch/optim/adam.py", 247}};
  }
  static std::vector<Place> module(uint32_t line) {
    return {{"_call_impl", "/x/site-packages/torch/nn/modules/module.py", 1786},
            {"forward", "/home/user/model.py", line}};
  }

  Block alloc(trace::StackIdx stack, uint64_t size) {
    const Block block{.addr = next_, .size = size, .stack = stack};
    next_ += (size + 511) / 512 * 512;
    entry(trace::Action::kAlloc, block);
    return block;
  }
  Block alloc(uint32_t line, uint64_t size) { return alloc(stack(line), size); }
  void free(const Block& block) {
    entry(trace::Action::kFreeRequested, {.addr = block.addr, .size = block.size, .stack = trace::kEmptyStack});
    entry(trace::Action::kFreeCompleted, {.addr = block.addr, .size = block.size, .stack = trace::kEmptyStack});
  }
  void annotate(std::string_view name, trace::Stage stage) {
    builder_.trace.annotations.push_back(
        {.name = builder_.intern(name), .stage = stage, .device = 0, .time_us = ++now_});
  }

  [[nodiscard]] uint32_t entries() const { return device_.event_count; }
  [[nodiscard]] const trace::Trace& trace() const { return builder_.trace; }

  Iterations iterations(uint32_t until = UINT32_MAX) {
    return find_iterations(builder_.trace, device_, build_history(builder_.trace, device_), UserCode(builder_.trace),
                           until);
  }
  Growth growth(uint32_t until = UINT32_MAX) {
    return find_growth(builder_.trace, device_, build_history(builder_.trace, device_), UserCode(builder_.trace),
                       until);
  }
  /// The line of the script that a suspect is blamed on.
  uint32_t line_of(const Suspect& suspect) {
    return builder_.trace.frames[UserCode(builder_.trace).culprit(suspect.stack).frame].line;
  }

 private:
  trace::FrameIdx frame(const Place& place) {
    return builder_.intern(trace::Frame{
        .name = builder_.intern(place.function), .filename = builder_.intern(place.file), .line = place.line});
  }
  void entry(trace::Action action, const Block& block) {
    trace::EventFields event;
    event.action = action;
    event.addr = block.addr;
    event.size = block.size;
    event.stack = block.stack;
    event.time_us = ++now_;
    builder_.add_event(event);
    ++device_.event_count;
  }

  trace::Builder builder_;
  trace::Device device_;
  uint64_t next_ = uint64_t{1} << 40;
  int64_t now_ = 0;
};

}  // namespace unfrag::analyze
