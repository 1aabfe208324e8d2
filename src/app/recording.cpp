#include "app/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "ingest/byte_source.h"
#include "ingest/snapshot_reader.h"

namespace unfrag::app {
namespace {

std::vector<const trace::Device*> gpus_of(const trace::Trace& trace) {
  std::vector<const trace::Device*> gpus;
  for (const trace::Device& device : trace.devices) {
    if (device.kind == trace::DeviceKind::kGpu) gpus.push_back(&device);
  }
  return gpus;
}

/// Tells how much has been read of the source it wraps.
class ProgressSource final : public ingest::ByteSource {
 public:
  ProgressSource(std::unique_ptr<ingest::ByteSource> inner, std::function<void(uint64_t)> progress)
      : inner_(std::move(inner)), progress_(std::move(progress)) {}

  Result<size_t> read(std::span<char> into) override {
    auto count = inner_->read(into);
    if (count) progress_(read_ += *count);
    return count;
  }
  [[nodiscard]] std::string end_note() const override { return inner_->end_note(); }

 private:
  std::unique_ptr<ingest::ByteSource> inner_;
  std::function<void(uint64_t)> progress_;
  uint64_t read_ = 0;
};

Result<std::unique_ptr<ingest::ByteSource>> open(const std::string& path, const OpenOptions& options) {
  auto file = ingest::FileSource::open(path);
  if (!file) return file.error();
  std::unique_ptr<ingest::ByteSource> source = std::move(*file);
  if (options.progress) source = std::make_unique<ProgressSource>(std::move(source), options.progress);
  return source;
}

Result<Recording> read(std::unique_ptr<ingest::ByteSource> source, const std::string& name,
                       const OpenOptions& options) {
  auto snapshot = ingest::read_snapshot(std::move(source), {.max_unpacked = options.max_unpacked});
  if (!snapshot) return snapshot.error();
  return Recording{.path = name, .bytes = snapshot->bytes, .trace = std::move(snapshot->trace)};
}

}  // namespace

Result<Recording> open_recording(const std::string& path, const OpenOptions& options) {
  auto source = open(path, options);
  if (!source) return source.error();
  return read(std::move(*source), path, options);
}

Result<Recording> read_recording(std::string_view bytes, const std::string& name, const OpenOptions& options) {
  return read(std::make_unique<ingest::MemorySource>(bytes), name, options);
}

Result<size_t> choose_gpu(const trace::Trace& trace, std::optional<int> ordinal) {
  const std::vector<const trace::Device*> gpus = gpus_of(trace);
  if (!ordinal) {
    const auto most = std::ranges::max_element(
        gpus, {}, [](const trace::Device* device) { return std::pair(device->event_count, device->segment_count); });
    return static_cast<size_t>(most - gpus.begin());
  }
  std::string known;
  for (size_t i = 0; i < gpus.size(); ++i) {
    if (gpus[i]->index == *ordinal) return i;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", gpus[i]->index);
  }
  return Error{ErrorKind::kUsage, "", fmt::format("--device {}: the recording has no such device", *ordinal),
               known.empty() ? std::string("another file") : "one of " + known};
}

Result<const trace::Device*> find_gpu(const trace::Trace& trace, std::optional<int> ordinal) {
  const auto chosen = choose_gpu(trace, ordinal);
  if (!chosen) return chosen.error();
  const std::vector<const trace::Device*> gpus = gpus_of(trace);
  if (!gpus.empty()) return gpus[*chosen];
  return Error{ErrorKind::kBadInput, "", "the snapshot has no trace of a GPU: there is nothing to replay",
               "a snapshot made with torch.cuda.memory._record_memory_history() on"};
}

}  // namespace unfrag::app
