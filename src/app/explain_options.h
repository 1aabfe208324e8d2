// What `explain` is asked about a recording, as a person writes it. Threads: pure function.
#pragma once

#include <cstdint>
#include <string>

#include "app/explain.h"
#include "app/recording_options.h"
#include "base/result.h"

namespace unfrag::app {

struct ExplainArguments {
  std::string at{};            ///< "peak", "oom", "end" or an entry's number; empty: the last OOM, else the end.
  std::string group = "line";  ///< Or "function", "stream", "segment".
  std::string want{};          ///< A size; empty: nothing is asked for.
  int64_t stream = 0;          ///< With `want`.
  RecordingArguments recording{};
};

/// Errors: kUsage.
Result<ExplainOptions> parse_explain_options(const ExplainArguments& arguments);

}  // namespace unfrag::app
