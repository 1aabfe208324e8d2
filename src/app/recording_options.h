// What the commands that read a recording are told about it, as a person writes it: the device, what the file does not
// tell. Threads: pure functions.
#pragma once

#include <optional>
#include <string>

#include "app/recording.h"
#include "base/result.h"
#include "replay/replay.h"

namespace unfrag::app {

/// As typed; empty: not given.
struct RecordingArguments {
  std::string memory{};
  std::string context{};
  std::optional<double> fraction{};
  std::string addresses{};
  std::string torch{};
  std::string max_unpacked{};
  std::optional<int> device{};
};

struct RecordingOptions {
  OpenOptions open;
  replay::ReadOptions read;
};

/// Errors: kUsage.
Result<RecordingOptions> parse_recording_options(const RecordingArguments& arguments);

/// "2.9", "2.9.1", "2.15.0+cu128": the release whose rules count. Errors: kUsage.
Result<alloc::Version> parse_version(const std::string& text);

}  // namespace unfrag::app
