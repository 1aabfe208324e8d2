// Any bytes as a pickle: no crash, no hang, and the same result however the source cuts its bytes into pieces.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

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

/// What a run gave, as far as it can be compared.
struct Outcome {
  std::string damage;
  std::string refusal;
  uint64_t offset = 0;
  Kind root = Kind::kNone;
  size_t events = 0, blocks = 0, annotations = 0, strings = 0, frames = 0, stacks = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome run(ByteSource&& source, size_t size) {
  ByteWindow window(source);
  trace::Builder builder;
  NodeStore store(builder);
  const auto parsed = run_pickle(window, store);
  const trace::Trace& trace = builder.trace;
  Outcome outcome;
  if (parsed) {
    outcome.damage = parsed->damage;
    outcome.offset = parsed->offset;
    outcome.root = parsed->root.kind();
    const Value root = parsed->root;
    require(!root.is_run() || root.run_count() > 0, "a run of rows is not empty");
    require(root.kind() != Kind::kFreshList && root.kind() != Kind::kFreshDict, "the root is sealed");
  } else {
    outcome.refusal = parsed.error().where + ": " + parsed.error().what;
    require(!parsed.error().what.empty(), "a refusal says why");
  }
  require(outcome.offset <= size, "the offset lies within the bytes");
  outcome.events = trace.events.size_rows();
  outcome.blocks = trace.blocks.size_rows();
  outcome.annotations = trace.annotations.size();
  outcome.strings = trace.strings.size();
  outcome.frames = trace.frames.size();
  outcome.stacks = trace.stacks.size();
  return outcome;
}

}  // namespace
}  // namespace unfrag::ingest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace unfrag::ingest;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = run(MemorySource(bytes), size);
  const size_t piece = 1 + size % 23;
  require(run(DripSource(bytes, piece), size) == whole, "pieces of any size give the same result");
  return 0;
}
