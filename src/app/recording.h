// A snapshot file opened for a command: the Trace and what to call it. Threads: calls share nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"
#include "trace/trace.h"

namespace unfrag::app {

struct OpenOptions {
  std::optional<Bytes> max_unpacked{};                  ///< See ingest::ReadOptions.
  std::function<void(uint64_t bytes_read)> progress{};  ///< Called now and then while the file is read; may be empty.
};

/// Copies share the Trace.
struct Recording {
  std::string path;
  uint64_t bytes = 0;  ///< Unpacked.
  std::shared_ptr<const trace::Trace> trace;
};

/// `path`: a file, or "-" for standard input.
/// Errors: kBadInput where it cannot be read as a snapshot.
Result<Recording> open_recording(const std::string& path, const OpenOptions& options);

/// The same of a file's bytes. `name`: what to call them.
Result<Recording> read_recording(std::string_view bytes, const std::string& name, const OpenOptions& options);

/// The GPU with that ordinal, counted among the trace's GPUs; else the one with most entries, else with most segments.
/// 0 where there are none. Errors: kUsage where the recording has no such GPU.
Result<size_t> choose_gpu(const trace::Trace& trace, std::optional<int> ordinal);

/// The same as a device. Errors: kUsage, and kBadInput where there is no GPU at all.
Result<const trace::Device*> find_gpu(const trace::Trace& trace, std::optional<int> ordinal);

}  // namespace unfrag::app
