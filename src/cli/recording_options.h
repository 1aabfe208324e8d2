// The options of every command that reads a recording: what it is read as, and what the file does not tell.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "app/recording.h"
#include "base/result.h"
#include "replay/replay.h"

namespace unfrag::cli {

/// As typed.
struct RecordingArguments {
  std::string memory;
  std::string context;
  std::optional<double> fraction;
  std::string addresses;
  std::string torch;
  std::string max_unpacked;
  std::optional<int> device;
};

struct RecordingOptions {
  app::OpenOptions open;
  replay::ReadOptions read;
};

void add_recording_options(CLI::App& command, RecordingArguments& arguments);

/// Errors: kUsage.
Result<RecordingOptions> parse_recording_options(const RecordingArguments& arguments);

/// "2.9", "2.9.1", "2.15.0+cu128": the release whose rules count. Errors: kUsage.
Result<alloc::Version> parse_version(const std::string& text);

}  // namespace unfrag::cli
