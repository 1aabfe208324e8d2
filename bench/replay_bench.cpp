// How fast a recorded program runs on the allocation policy, beside the same program on SetPolicy, the same rules on
// std::set, for bench/run.py: prints JSON.
//
// The program is in memory and no log is kept. The two run in turn; times of whole runs are processor time, medians of
// the repetitions. Time an operation: the wall clock is read once in 64 operations, the 64 share what passed, and the
// figure is the median over all such batches of all repetitions, so that rare slow operations weigh as one batch.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "alloc/set_policy.h"
#include "ingest/snapshot_reader.h"
#include "replay/replay.h"
#include "replay/runner.h"

namespace unfrag {
namespace {

using replay::OpKind;

constexpr size_t kBatch = 64;

/// What replay::Runner is for CachingPolicy.
class PeerRunner {
 public:
  PeerRunner(const replay::Program& program, const replay::Conditions& conditions)
      : program_(program),
        device_(conditions.limits, conditions.direction, nullptr),
        policy_(replay::config_of(conditions), device_),
        blocks_(program.lives) {
    for (size_t pool = 1; pool < program.pools.size(); ++pool) policy_.create_pool({});
    device_.on_synchronize([this](std::optional<alloc::PoolIdx> pool) { complete_all(pool); });
  }

  void step(const replay::Op& op) {
    switch (op.kind) {
      case OpKind::kAllocate: allocate(op); break;
      case OpKind::kFree: free(op.life, /*later=*/false); break;
      case OpKind::kFreeLater: free(op.life, /*later=*/true); break;
      case OpKind::kComplete: complete(op.life); break;
      case OpKind::kEmptyCache: policy_.empty_cache(); break;
      case OpKind::kRetirePool: policy_.retire_pool(program_.places[op.place].pool); break;
      case OpKind::kReleasePool: policy_.release_pool(program_.places[op.place].pool); break;
      case OpKind::kChange: break;  // no recording that is measured has one
    }
  }
  void run() {
    for (const replay::Op& op : program_.ops) step(op);
  }
  [[nodiscard]] const alloc::Statistics& statistics() const { return policy_.statistics(); }

 private:
  static constexpr alloc::StreamId kSomeOtherStream = INT64_MIN;

  void allocate(const replay::Op& op) {
    const replay::Place& place = program_.places[op.place];
    policy_.set_scope(place.scope);
    blocks_[op.life] = policy_.allocate(Bytes(op.bytes), place.stream, place.pool);
    policy_.set_scope(alloc::Scope::kNone);
  }
  void free(uint32_t life, bool later) {
    const alloc::BlockId block = blocks_[life];
    if (block.is_none()) return;
    if (later) {
      policy_.record_stream(block, kSomeOtherStream);
      waiting_.push_back(life);
    } else {
      blocks_[life] = alloc::BlockId::none();
    }
    policy_.free(block);
  }
  void complete(uint32_t life) {
    const alloc::BlockId block = blocks_[life];
    if (block.is_none()) return;
    blocks_[life] = alloc::BlockId::none();
    policy_.event_done(block);
  }
  void complete_all(std::optional<alloc::PoolIdx> pool) {
    std::erase_if(waiting_, [&](uint32_t life) {
      const alloc::BlockId block = blocks_[life];
      const bool meant = block.is_none() || !pool || policy_.block(block).pool->pool == *pool;
      if (meant) complete(life);
      return meant;
    });
  }

  const replay::Program& program_;
  replay::SimulatedDevice device_;
  alloc::SetPolicy policy_;
  std::vector<alloc::BlockId> blocks_;  // by life
  std::vector<uint32_t> waiting_;
};

/// What one of the two took, over the repetitions.
struct Times {
  std::vector<double> run_seconds{};
  std::vector<double> batch_nanoseconds{};  ///< An operation, of each batch.
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

template <class Work>
double processor_seconds(Work work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

template <class Runner>
void time_batches(const std::vector<replay::Op>& ops, Runner& runner, Times& times) {
  using Clock = std::chrono::steady_clock;
  for (size_t first = 0; first + kBatch <= ops.size(); first += kBatch) {
    const auto start = Clock::now();
    for (size_t i = first; i < first + kBatch; ++i) runner.step(ops[i]);
    const std::chrono::duration<double, std::nano> passed = Clock::now() - start;
    times.batch_nanoseconds.push_back(passed.count() / kBatch);
  }
}

Result<replay::Recorded> read(const char* path) {
  auto source = ingest::FileSource::open(path);
  if (!source) return source.error();
  const auto snapshot = ingest::read_snapshot(std::move(*source), {});
  if (!snapshot) return snapshot.error();
  const trace::Trace& trace = *snapshot->trace;
  const auto device = std::ranges::max_element(trace.devices, {}, &trace::Device::event_count);
  if (device == trace.devices.end()) return Error{ErrorKind::kBadInput, "", "no device", ""};
  return replay::read_recording(trace, *device, replay::build_history(trace, *device), {});
}

int measure(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: replay_bench FILE REPETITIONS\n");
    return 2;
  }
  const auto recorded = read(argv[1]);
  if (!recorded || !recorded->reading.program.initial.empty()) {
    std::fprintf(stderr, "replay_bench: %s: not a recording from the first allocation on\n", argv[1]);
    return 3;
  }
  const replay::Program& program = recorded->reading.program;
  const replay::Conditions& conditions = recorded->conditions;
  Times ours;
  Times peers;
  std::vector<double> ratios;
  bool same = true;
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    alloc::Statistics statistics;
    ours.run_seconds.push_back(
        processor_seconds([&] { statistics = replay::run_program(program, conditions, nullptr).statistics; }));
    peers.run_seconds.push_back(processor_seconds([&] {
      PeerRunner peer(program, conditions);
      peer.run();
      same = same && peer.statistics() == statistics;
    }));
    ratios.push_back(peers.run_seconds.back() / ours.run_seconds.back());
    replay::Runner runner(program, conditions, nullptr);
    time_batches(program.ops, runner, ours);
    PeerRunner peer(program, conditions);
    time_batches(program.ops, peer, peers);
  }
  if (!same) {
    std::fprintf(stderr, "replay_bench: %s: the peer does not come to the same statistics\n", argv[1]);
    return 5;
  }
  const auto entries = static_cast<double>(program.entries);
  std::printf(
      "{\"events\": %llu, \"operations\": %zu, \"exact\": %s, \"events_per_second\": %.0f, "
      "\"peer_events_per_second\": %.0f, \"times_faster\": %.3f, \"operation_ns\": %.2f, \"peer_operation_ns\": "
      "%.2f}\n",
      static_cast<unsigned long long>(program.entries), program.ops.size(), recorded->exact() ? "true" : "false",
      entries / median(ours.run_seconds), entries / median(peers.run_seconds), median(ratios),
      median(ours.batch_nanoseconds), median(peers.batch_nanoseconds));
  return 0;
}

}  // namespace
}  // namespace unfrag

int main(int argc, char** argv) { return unfrag::measure(argc, argv); }
