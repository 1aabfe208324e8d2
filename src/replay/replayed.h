// What `unfrag replay` found: values only, for any report. Threads: values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replay/curves.h"
#include "replay/what_if.h"
#include "trace/trace.h"

namespace unfrag::replay {

struct Replayed {
  std::string path;
  uint64_t bytes = 0;  ///< Unpacked.
  std::shared_ptr<const trace::Trace> trace;
  const trace::Device* device = nullptr;  ///< Of `trace`.
  ReadOptions read;                       ///< As given.
  Answer answer;
  std::vector<CurvePoint> curves{};           ///< Where asked for.
  std::optional<trace::Trace> result{};       ///< What the allocator did, where asked for.
  std::optional<double> events_per_second{};  ///< Likewise: entries of the recording, run from memory on one core.
};

}  // namespace unfrag::replay
