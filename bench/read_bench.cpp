// Reads a snapshot into a Trace and nothing else, for bench/run.py: prints seconds, bytes and events of the best of
// N readings in this process.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "ingest/snapshot_reader.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: read_bench FILE READINGS\n");
    return 2;
  }
  double best = 1e300;
  uint64_t bytes = 0;
  size_t events = 0;
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    const auto start = std::chrono::steady_clock::now();
    auto source = unfrag::ingest::FileSource::open(argv[1]);
    if (!source) return 3;
    const auto snapshot = unfrag::ingest::read_snapshot(std::move(*source), {});
    if (!snapshot) return 3;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count());
    bytes = snapshot->bytes;
    events = snapshot->trace->events.size_rows();
  }
  std::printf("%.6f %llu %zu\n", best, static_cast<unsigned long long>(bytes), events);
  return 0;
}
