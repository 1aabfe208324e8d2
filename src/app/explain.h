// The command `unfrag explain`: reads a snapshot and finds out where its bytes are.
// Threads: calls share nothing, so several files can be explained at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "analyze/explanation.h"
#include "app/recording.h"
#include "base/result.h"
#include "base/strong.h"

namespace unfrag::app {

struct ExplainOptions {
  analyze::Moment at{};
  std::optional<int> device{};  ///< Ordinal; the device with most trace entries if nothing.
  analyze::Grouping grouping = analyze::Grouping::kLine;
  replay::ReadOptions read{};
  std::optional<Bytes> want{};  ///< Would a request of so many bytes be served?
  int64_t want_stream = 0;
  OpenOptions open{};
};

/// Errors: kUsage where an option does not fit the recording.
Result<analyze::Explanation> explain(Recording recording, const ExplainOptions& options);

/// `path`: a file, or "-" for standard input.
/// Errors: kBadInput where it cannot be read as a snapshot, kUsage where an option does not fit the file.
Result<analyze::Explanation> explain(const std::string& path, const ExplainOptions& options);

/// The memory of one of its devices at the moment that `findings` are about, for a picture. `read`: as explained.
analyze::MemoryState memory_of(const analyze::Explanation& explanation, const analyze::DeviceFindings& findings,
                               const replay::ReadOptions& read);

}  // namespace unfrag::app
