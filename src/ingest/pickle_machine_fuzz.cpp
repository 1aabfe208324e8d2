// Any bytes as a pickle: no crash, no hang, and the same result however the source cuts its bytes into pieces. In small
// pieces no entry is ever whole in the window, so this also compares the short cut of event_parser.h with the machine.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/byte_source.h"
#include "ingest/byte_window.h"
#include "ingest/node_store.h"
#include "ingest/pickle_machine.h"
#include "trace/builder.h"

namespace unfrag::ingest {
namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

/// A source that gives a few bytes at a time.
class DripSource final : public ByteSource {
 public:
  DripSource(std::string_view bytes, size_t piece) : bytes_(bytes), piece_(piece) {}
  Result<size_t> read(std::span<char> into) override {
    const size_t count = std::min({into.size(), piece_, bytes_.size()});
    std::copy_n(bytes_.begin(), count, into.begin());
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
  size_t piece_;
};

/// Everything that a run gave, what can differ by its place in a table left out.
struct Outcome {
  std::string damage;
  std::string refusal;
  uint64_t offset = 0;
  Kind root = Kind::kNone;
  std::vector<uint64_t> rows;
  bool operator==(const Outcome&) const = default;
};

/// Hashes of the rows of the tables, by content: the same things may have other indices.
class Rows {
 public:
  explicit Rows(const trace::Trace& trace) : trace_(trace) {
    strings_.resize(trace.strings.size());
    for (uint32_t i = 0; i < strings_.size(); ++i)
      strings_[i] = std::hash<std::string_view>()(trace.strings[trace::StringIdx(i)]);
    frames_.resize(trace.frames.size());
    for (uint32_t i = 0; i < frames_.size(); ++i) {
      const trace::Frame& frame = trace.frames[trace::FrameIdx(i)];
      frames_[i] = mix({of(frame.name), of(frame.filename), frame.line, of(frame.extra)});
    }
    stacks_.resize(trace.stacks.size());
    for (uint32_t i = 0; i < stacks_.size(); ++i) {
      for (const trace::FrameIdx frame : trace.stacks[trace::StackIdx(i)])
        stacks_[i] = mix({stacks_[i], frames_[frame.value()]});
    }
  }

  [[nodiscard]] std::vector<uint64_t> all() const {
    std::vector<uint64_t> rows;
    rows.reserve(trace_.events.size_rows() + trace_.blocks.size_rows() + trace_.annotations.size());
    for (size_t i = 0; i < trace_.events.size_rows(); ++i) rows.push_back(event(i));
    for (size_t i = 0; i < trace_.blocks.size_rows(); ++i) rows.push_back(block(i));
    for (const trace::Annotation& a : trace_.annotations) {
      rows.push_back(mix({of(a.name), static_cast<uint64_t>(a.stage), static_cast<uint64_t>(a.device),
                          static_cast<uint64_t>(a.time_us)}));
    }
    return rows;
  }

 private:
  static uint64_t mix(std::initializer_list<uint64_t> values) {
    uint64_t hash = values.size();
    for (const uint64_t value : values) hash = (hash ^ value) * 0x9E3779B97F4A7C15 + (hash >> 29);
    return hash;
  }
  [[nodiscard]] uint64_t of(trace::StringIdx string) const { return strings_[string.value()]; }
  [[nodiscard]] uint64_t of(trace::StackIdx stack) const { return stacks_[stack.value()]; }
  [[nodiscard]] uint64_t event(size_t i) const {
    const trace::EventTable& events = trace_.events;
    const trace::EventContext& context = trace_.context_of(i);
    return mix({static_cast<uint64_t>(events.action[i]), events.addr[i], events.size[i],
                static_cast<uint64_t>(trace_.time_of(i)), of(events.stack[i]), static_cast<uint64_t>(context.stream),
                context.pool.first, context.pool.second, context.has_pool ? 1U : 0U, of(context.compile_context),
                of(context.user_metadata), of(context.internal_metadata), of(context.category),
                of(context.forward_stack)});
  }
  [[nodiscard]] uint64_t block(size_t i) const {
    const trace::BlockTable& blocks = trace_.blocks;
    return mix({blocks.addr[i], blocks.size[i], blocks.requested[i], static_cast<uint64_t>(blocks.state[i]),
                of(blocks.stack[i]), of(blocks.forward_stack[i]), of(blocks.user_metadata[i])});
  }

  const trace::Trace& trace_;
  std::vector<uint64_t> strings_, frames_, stacks_;
};

Outcome run(ByteSource&& source, size_t size) {
  ByteWindow window(source);
  trace::Builder builder;
  NodeStore store(builder);
  const auto parsed = run_pickle(window, store);
  Outcome outcome;
  if (parsed) {
    const Value root = parsed->root;
    require(!root.is_run() || root.run_count() > 0, "a run of rows is not empty");
    require(root.kind() != Kind::kFreshList && root.kind() != Kind::kFreshDict, "the root is sealed");
    outcome.damage = parsed->damage;
    outcome.offset = parsed->offset;
    outcome.root = root.kind();
  } else {
    require(!parsed.error().what.empty(), "a refusal says why");
    outcome.refusal = parsed.error().where + ": " + parsed.error().what;
  }
  require(outcome.offset <= size, "the offset lies within the bytes");
  outcome.rows = Rows(builder.trace).all();
  return outcome;
}

}  // namespace
}  // namespace unfrag::ingest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace unfrag::ingest;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = run(MemorySource(bytes), size);
  const size_t piece = 1 + size % 23;
  const Outcome in_pieces = run(DripSource(bytes, piece), size);
  require(in_pieces.damage == whole.damage, "pieces of any size give the same damage");
  require(in_pieces.refusal == whole.refusal, "pieces of any size give the same refusal");
  require(in_pieces.offset == whole.offset, "pieces of any size give the same offset");
  require(in_pieces == whole, "pieces of any size give the same rows");
  return 0;
}
