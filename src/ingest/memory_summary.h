// The table that torch.cuda.memory_summary() returns, also abbreviated, also as repr() shows it, to its figures.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "trace/message.h"

namespace unfrag::ingest {

struct FoundSummaries {
  std::optional<trace::MemorySummary> last;
  uint64_t count = 0;
};

/// The last table in `squeezed` (see squeeze.h) that has a row of sizes, and how many tables there are.
FoundSummaries find_memory_summaries(std::string_view squeezed);

}  // namespace unfrag::ingest
