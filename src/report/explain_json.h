// An Explanation as JSON, schema unfrag.explain/1 (docs/format/explain.md). Threads: pure function.
#pragma once

#include <optional>
#include <string>

#include "analyze/explanation.h"

namespace unfrag::report {

struct JsonOptions {
  std::optional<size_t> top;  ///< Holders and pinned segments listed; all if nothing. The rest is summed.
};

/// One line without the line feed.
std::string explain_json(const analyze::Explanation& explanation, const JsonOptions& options);

}  // namespace unfrag::report
