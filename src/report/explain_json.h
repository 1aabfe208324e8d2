// An Explanation as JSON, schema unfrag.explain/1 (docs/format/explain.md). Threads: pure function.
#pragma once

#include <optional>
#include <string>

#include "advise/advice.h"
#include "analyze/explanation.h"

namespace unfrag::report {

struct JsonOptions {
  std::optional<size_t> top{};             ///< Holders and pinned segments listed; all if nothing. The rest is summed.
  const advise::Advice* advice = nullptr;  ///< Appended as `advice` where it is not null.
};

/// One line without the line feed.
std::string explain_json(const analyze::Explanation& explanation, const JsonOptions& options);

}  // namespace unfrag::report
