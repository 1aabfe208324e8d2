// Reads a snapshot into a Trace and nothing else, for bench/run.py: prints processor seconds, bytes and events of the
// best of N readings in this process.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

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
    const std::clock_t start = std::clock();
    auto source = unfrag::ingest::FileSource::open(argv[1]);
    if (!source) return 3;
    const auto snapshot = unfrag::ingest::read_snapshot(std::move(*source), {});
    if (!snapshot) return 3;
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    bytes = snapshot->bytes;
    events = snapshot->trace->events.size_rows();
  }
  std::printf("%.6f %llu %zu\n", best, static_cast<unsigned long long>(bytes), events);
  return 0;
}
