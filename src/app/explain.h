// The command `unfrag explain`: reads a snapshot and finds out where its bytes are.
// Threads: calls share nothing, so several files can be explained at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "analyze/explanation.h"
#include "base/result.h"
#include "base/strong.h"

namespace unfrag::app {

struct ExplainOptions {
  analyze::Moment at;
  std::optional<int> device;  ///< Ordinal; the device with most trace entries if nothing.
  analyze::Grouping grouping = analyze::Grouping::kLine;
  analyze::Card card;
  std::optional<Bytes> want;  ///< Would a request of so many bytes be served?
  int64_t want_stream = 0;
  std::optional<Bytes> max_unpacked;
  std::function<void(uint64_t bytes_read)> progress;  ///< Called now and then while the file is read; may be empty.
};

/// `path`: a file, or "-" for standard input.
/// Errors: kBadInput where it cannot be read as a snapshot, kUsage where an option does not fit the file.
Result<analyze::Explanation> explain(const std::string& path, const ExplainOptions& options);

}  // namespace unfrag::app
