// Explanations with random figures and texts for tests of reports: nothing fits together, which a report must not mind.
// Not for anything but tests.
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyze/explanation.h"
#include "base/text.h"
#include "trace/builder.h"

namespace unfrag::report {

class RandomExplanation {
 public:
  explicit RandomExplanation(uint32_t seed) : random_(seed) {}

  analyze::Explanation make() {
    trace::Builder builder;
    const std::vector<trace::StackIdx> stacks = make_stacks(builder);
    for (uint64_t i = below(4); i > 0; --i) builder.trace.warnings.push_back(escape_text(text()));
    builder.trace.truncated = below(3) == 0;
    if (below(3) == 0) builder.trace.settings.conf = text();
    if (below(2) == 0) builder.trace.dialect = {2, static_cast<int>(below(20))};

    analyze::Explanation explanation;
    explanation.path = below(5) == 0 ? "-" : text();
    explanation.bytes = amount();
    explanation.grouping = static_cast<analyze::Grouping>(below(4));
    auto trace = std::make_unique<trace::Trace>(std::move(builder.trace));
    explanation.user_code = std::make_unique<analyze::UserCode>(*trace);
    for (uint64_t i = below(4); i > 0; --i) explanation.devices.push_back(findings(*trace, stacks));
    if (below(3) == 0) {
      explanation.host.push_back(findings(*trace, stacks));
      explanation.host.back().kind = trace::DeviceKind::kHost;
    }
    explanation.chosen = explanation.devices.empty() ? 0 : below(explanation.devices.size());
    explanation.trace = std::move(trace);
    return explanation;
  }

  uint64_t below(uint64_t limit) { return random_() % limit; }

 private:
  uint64_t amount() { return random_() >> (16 + below(48)); }
  Bytes bytes() { return Bytes(amount()); }
  // The columns of counts are made for what recordings have: ten million entries, a million blocks.
  uint64_t count(uint64_t limit) { return below(2) == 0 ? below(limit) : below(100); }
  uint32_t entry() { return below(6) == 0 ? analyze::kBefore : static_cast<uint32_t>(count(10'000'000)); }

  // Words of all kinds: plain, other scripts, control characters, bytes that are no UTF-8, very long ones.
  std::string text() {
    constexpr std::string_view kPieces[] = {
        "train.py", "</td><script>", "&amp;", "\"'",          " ", "/home/user/", "λ", "日本", "\x1b[31m", "\xff", "\n",
        "\t",       "\u202e",        "C:\\",  "at::native::", "é", "\xe2\x82",    ",", "  "};
    std::string result;
    const uint64_t pieces = below(below(10) == 0 ? 200 : 8);
    for (uint64_t i = 0; i < pieces; ++i) result += kPieces[below(std::size(kPieces))];
    return result;
  }

  std::vector<trace::StackIdx> make_stacks(trace::Builder& builder) {
    std::vector<trace::StackIdx> stacks = {trace::kEmptyStack};
    for (uint64_t s = below(6); s > 0; --s) {
      std::vector<trace::FrameIdx> frames;
      for (uint64_t f = 1 + below(4); f > 0; --f) {
        const std::string filename = text() + (below(2) == 0 ? ".py" : "");
        frames.push_back(builder.intern(trace::Frame{.name = builder.intern(text()),
                                                     .filename = builder.intern(filename),
                                                     .line = static_cast<uint32_t>(amount())}));
      }
      stacks.push_back(builder.intern(frames));
    }
    return stacks;
  }

  analyze::Usage usage() {
    return {.allocated = bytes(), .active = bytes(), .requested = bytes(), .reserved = bytes()};
  }
  analyze::Held held() { return {.bytes = bytes(), .blocks = count(99'999)}; }
  int64_t stream() { return below(2) == 0 ? 0 : static_cast<int64_t>(random_()); }
  trace::PoolId pool() { return below(2) == 0 ? trace::PoolId{} : trace::PoolId{amount(), amount()}; }

  analyze::DeviceFindings findings(const trace::Trace& trace, const std::vector<trace::StackIdx>& stacks) {
    const auto stack = [&] { return stacks[below(stacks.size())]; };
    analyze::DeviceFindings d;
    d.index = static_cast<int>(below(4096));
    d.events = below(4) == 0 ? 0 : entry();
    d.complete = below(2) == 0;
    d.now = {.usage = usage(), .segments = amount()};
    d.curves.allocated = {bytes(), entry()};
    d.curves.active = {bytes(), entry()};
    d.curves.requested = {bytes(), entry()};
    d.curves.reserved = {bytes(), entry()};
    for (uint64_t i = below(30); i > 0; --i) d.curves.timeline.push_back({entry(), usage()});
    d.allocated_is_lower_bound = below(2) == 0;
    for (uint64_t i = below(10); i > 0; --i) {
      analyze::FailedRequest& oom = d.ooms.emplace_back();
      oom.entry = static_cast<uint32_t>(count(10'000'000));
      oom.rounded = bytes();
      oom.device_free = bytes();
      oom.stream = stream();
      oom.stack = stack();
    }
    d.at_kind = static_cast<analyze::Moment::Kind>(1 + below(4));
    d.at_entry = below(4) == 0 ? analyze::kNever : entry();
    d.where.requested = bytes();
    d.where.rounding = bytes();
    d.where.pending = bytes();
    d.where.free_in_segments = bytes();
    d.where.free_segments = bytes();
    d.where.reserved = d.where.active() + d.where.free_in_segments + d.where.free_segments;
    d.where.unmapped = below(2) == 0 ? Bytes() : bytes();
    for (uint64_t i = below(5); i > 0; --i) {
      analyze::PoolUse& use = d.where.pools.emplace_back();
      use.stream = stream();
      use.pool = pool();
      use.kind = static_cast<trace::PoolKind>(below(3));
      use.reserved = bytes();
      use.free = bytes();
      use.largest_hole = bytes();
    }
    d.holes = {.free = bytes(), .largest_free = bytes(), .releasable = bytes(), .stranded = bytes()};
    d.fragmentation = d.holes;
    for (uint64_t i = below(12); i > 0; --i) {
      analyze::Holder& holder = d.holders.emplace_back();
      holder.now = held();
      holder.at = held();
      holder.at_peak = held();
      holder.stack = stack();
      holder.stream = stream();
      holder.segment = random_();
      if (trace.frames.size() > 0 && below(4) > 0) {
        holder.frame = trace::FrameIdx(static_cast<uint32_t>(below(trace.frames.size())));
        holder.origin = static_cast<analyze::Origin>(below(5));
      }
    }
    for (uint64_t i = below(8); i > 0; --i) {
      analyze::PinnedSegment& pinned = d.pinned.emplace_back();
      pinned.run.addr = random_();
      pinned.run.size = amount();
      pinned.held = bytes();
      pinned.free = bytes();
      pinned.blocks = static_cast<uint32_t>(amount());
      pinned.largest = {.addr = 0, .size = amount(), .requested = 0, .stack = stack()};
    }
    d.growth.iterations.source = static_cast<analyze::Iterations::Source>(below(4));
    d.growth.iterations.name = text();
    for (uint64_t i = below(4); i > 0; --i) {
      analyze::Suspect& suspect = d.growth.suspects.emplace_back();
      suspect.stack = stack();
      suspect.last = bytes();
      suspect.bytes_per_iteration = static_cast<double>(amount());
    }
    for (uint64_t i = below(3); i > 0; --i) d.warnings.push_back(escape_text(text()));
    return d;
  }

  std::mt19937_64 random_;
};

}  // namespace unfrag::report
