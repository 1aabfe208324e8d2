// The command `unfrag replay`: reads a snapshot and runs what it recorded again, as it was or under other settings.
// Threads: calls share nothing.
#pragma once

#include <optional>
#include <string>

#include "app/recording.h"
#include "base/result.h"
#include "replay/replayed.h"

namespace unfrag::app {

struct ReplayOptions {
  OpenOptions open;
  std::optional<int> device;  ///< Ordinal; the device with most trace entries if nothing.
  replay::ReadOptions read;
  std::optional<std::string> conf;  ///< The text of PYTORCH_CUDA_ALLOC_CONF, or "default"; nothing: as recorded.
  bool curves = false;
  bool result = false;  ///< Replayed::result.
  bool timing = false;
};

/// Errors: kBadInput where there is nothing to replay, kUsage where an option does not fit.
Result<replay::Replayed> replay(Recording recording, const ReplayOptions& options);

/// `path`: a file, or "-" for standard input. Errors: also kBadInput where it cannot be read.
Result<replay::Replayed> replay(const std::string& path, const ReplayOptions& options);

/// What the allocator did in an answer, as a Trace: of an exact replay at the recording's own addresses.
trace::Trace result_of(const replay::Answer& answer, const trace::Trace& trace, const trace::Device& device,
                       const replay::History& history);

/// What a command asks of a recording. `conf`: as in ReplayOptions.
/// Errors: kBadInput where there is nothing to replay, kUsage where the settings make no sense.
Result<replay::Question> ask(const trace::Trace& trace, const trace::Device& device, const replay::ReadOptions& read,
                             const std::optional<std::string>& conf);

}  // namespace unfrag::app
