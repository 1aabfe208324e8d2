#include "replay/infer_limit.h"

#include <algorithm>
#include <utility>

namespace unfrag::replay {
namespace {

using trace::Action;

/// Memory comes in 2 MiB, and a limit that is off by less hardly ever collects otherwise.
constexpr uint64_t kFineEnough = uint64_t{1} << 16;
/// Below it the collector would run at every request: nobody's setting, and a limit beyond any number.
constexpr double kLeastThreshold = 0.001;
/// Entries to read in all: a large recording is not worth the wait.
constexpr uint64_t kMostEntries = 32'000'000;

bool gives_back(const Deed& deed) {
  return deed.action == Action::kSegmentFree || deed.action == Action::kSegmentUnmap;
}

uint32_t agreement(const Reading& reading) { return reading.divergence ? reading.divergence->entry : UINT32_MAX; }

}  // namespace

std::optional<InferredLimit> infer_limit(const trace::Trace& trace, const trace::Device& device, const History& history,
                                         const Conditions& conditions, const Reading& without, Want want) {
  const double threshold = conditions.settings.garbage_collection_threshold;
  if (threshold < kLeastThreshold || conditions.limits.limit || !without.divergence) return std::nullopt;
  // Reserved memory stays below the limit; above this one the collector would never have run.
  uint64_t low = without.divergence->recorded_reserved.value();
  auto high = static_cast<uint64_t>(static_cast<double>(without.statistics.reserved.peak.value()) / threshold) + 1;
  std::optional<InferredLimit> best;
  uint32_t best_agreement = agreement(without);
  Conditions limited = conditions;
  for (uint64_t read = 0; low + kFineEnough < high && read < kMostEntries; read += device.event_count) {
    const Bytes limit(low + (high - low) / 2);
    limited.limits.limit = limit;
    auto reading = read_program(trace, device, history, limited, want);
    if (!reading) return best;
    const std::optional<Divergence> divergence = reading->divergence;
    if (agreement(*reading) > best_agreement) {
      best_agreement = agreement(*reading);
      best = InferredLimit{.limit = limit, .reading = std::move(*reading)};
    }
    if (!divergence || gives_back(divergence->recorded) == gives_back(divergence->replayed)) return best;
    (gives_back(divergence->recorded) ? high : low) = limit.value();
  }
  return best;
}

}  // namespace unfrag::replay
