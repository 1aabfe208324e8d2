#include "app/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "ingest/byte_source.h"
#include "ingest/snapshot_reader.h"

namespace unfrag::app {
namespace {

using analyze::Explanation;

// The device asked for, else the one with most entries, else the one with most memory.
Result<size_t> choose_device(const trace::Trace& trace, std::optional<int> wanted) {
  std::vector<const trace::Device*> gpus;
  for (const trace::Device& device : trace.devices) {
    if (device.kind == trace::DeviceKind::kGpu) gpus.push_back(&device);
  }
  if (!wanted) {
    const auto most = std::ranges::max_element(
        gpus, {}, [](const trace::Device* device) { return std::pair(device->event_count, device->segment_count); });
    return static_cast<size_t>(most - gpus.begin());
  }
  std::string known;
  for (size_t i = 0; i < gpus.size(); ++i) {
    if (gpus[i]->index == *wanted) return i;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", gpus[i]->index);
  }
  return Error{ErrorKind::kUsage, "", fmt::format("--device {}: the recording has no such device", *wanted),
               known.empty() ? std::string("another file") : "one of " + known};
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

Result<std::unique_ptr<ingest::ByteSource>> open(const std::string& path, const ExplainOptions& options) {
  auto file = ingest::FileSource::open(path);
  if (!file) return file.error();
  std::unique_ptr<ingest::ByteSource> source = std::move(*file);
  if (options.progress) source = std::make_unique<ProgressSource>(std::move(source), options.progress);
  return source;
}

}  // namespace

Result<Explanation> explain(const std::string& path, const ExplainOptions& options) {
  auto source = open(path, options);
  if (!source) return source.error();
  auto snapshot = ingest::read_snapshot(std::move(*source), {.max_unpacked = options.max_unpacked});
  if (!snapshot) return snapshot.error();

  Explanation explanation;
  explanation.path = path;
  explanation.bytes = snapshot->bytes;
  explanation.trace = std::move(snapshot->trace);
  explanation.user_code = std::make_unique<analyze::UserCode>(*explanation.trace);
  explanation.grouping = options.grouping;
  const trace::Trace& trace = *explanation.trace;
  const auto chosen = choose_device(trace, options.device);
  if (!chosen) return chosen.error();
  explanation.chosen = *chosen;

  analyze::StackRoles roles(trace, *explanation.user_code);
  for (const trace::Device& device : trace.devices) {
    const bool gpu = device.kind == trace::DeviceKind::kGpu;
    // A moment is one of the chosen device's: the others are shown as by default.
    const bool asked = gpu && explanation.devices.size() == explanation.chosen;
    auto findings = analyze::examine(trace, device, *explanation.user_code, roles,
                                     {.at = asked ? options.at : analyze::Moment{},
                                      .grouping = options.grouping,
                                      .card = gpu ? options.card : analyze::Card{},
                                      .want = asked ? options.want : std::nullopt,
                                      .want_stream = options.want_stream});
    if (!findings) return findings.error();
    (gpu ? explanation.devices : explanation.host).push_back(std::move(*findings));
  }
  return explanation;
}

}  // namespace unfrag::app
