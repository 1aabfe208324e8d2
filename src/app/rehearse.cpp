#include "app/rehearse.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "app/explain.h"
#include "app/replay.h"
#include "base/kernel_image.h"
#include "base/text.h"
#include "device/context_size.h"
#include "device/gpu.h"
#include "ingest/allocation_log.h"
#include "rehearsal/dnn_library.h"
#include "rehearsal/rehearse.h"
#include "replay/settings_in_force.h"

namespace unfrag::app {
namespace {

using report::Fit;
using report::Rehearsal;

Result<const device::Gpu*> gpu_named(const std::string& name) {
  if (name.empty()) return &device::reference_gpu();
  const device::Gpu* const gpu = device::find_gpu(name);
  if (gpu != nullptr) return gpu;
  std::string near;
  for (const std::string_view key : device::nearest_gpus(name)) {
    near += fmt::format("{}{}", near.empty() ? "--gpu " : " or ", key);
  }
  return Error{ErrorKind::kUsage, "", fmt::format("--gpu {}: no GPU of that name is known", escape_text(name)),
               near.empty() ? "unfrag rehearse --list" : near};
}

/// The log with most entries, and how many have any.
struct Logs {
  std::optional<ingest::AllocationLog> busiest;
  size_t processes = 0;
};

Result<Logs> read_logs(const std::vector<std::string>& paths, trace::Dialect dialect) {
  Logs logs;
  for (const std::string& path : paths) {
    auto log = ingest::read_allocation_log(path, dialect);
    if (!log) return log.error();
    const size_t entries = log->trace->events.size_rows();
    if (entries > 0) ++logs.processes;
    if (!logs.busiest || entries > logs.busiest->trace->events.size_rows()) logs.busiest = std::move(*log);
  }
  return logs;
}

/// Whether the program runs without a failure where the process may have `capacity`. `free`: its run without limits.
bool runs_in(Bytes capacity, const replay::Program& program, replay::Conditions conditions,
             const alloc::Statistics& free) {
  if (free.reserved.peak <= capacity) return true;
  if (free.active.peak > capacity) return false;
  conditions.limits = {.capacity = capacity, .total = capacity, .limit = {}};
  return replay::run_program(program, conditions, nullptr).statistics.num_ooms == 0;
}

/// Where no kernel was used nothing speaks against it.
bool runs_on(const device::Gpu& gpu, const std::vector<KernelImage>& images) {
  return images.empty() || code_for(images, gpu.compute_major * 10 + gpu.compute_minor).has_value();
}

std::vector<Fit> find_fits(const replay::Recorded& recorded, int cuda_major, const std::vector<KernelImage>& images) {
  const replay::Program& program = recorded.reading.program;
  replay::Conditions as_rehearsed = recorded.conditions;
  as_rehearsed.limits = {};
  replay::Conditions expandable = as_rehearsed;
  expandable.settings.expandable_segments = true;
  const auto free = replay::run_program(program, as_rehearsed, nullptr).statistics;
  const auto free_expandable = replay::run_program(program, expandable, nullptr).statistics;
  std::vector<Fit> fits;
  for (const device::Gpu& gpu : device::all_gpus()) {
    const Bytes capacity = minus_or_zero(gpu.total_memory, device::context_size(gpu, cuda_major));
    const bool has_kernels = runs_on(gpu, images);
    fits.push_back(
        {.gpu = std::string(gpu.key),
         .name = std::string(gpu.name),
         .total = gpu.total_memory,
         .has_kernels = has_kernels,
         .fits = has_kernels && runs_in(capacity, program, as_rehearsed, free),
         .fits_expandable = has_kernels && runs_in(capacity, program, expandable, free_expandable),
         .headroom = static_cast<int64_t>(capacity.value()) - static_cast<int64_t>(free.reserved.peak.value())});
  }
  return fits;
}

/// What a recording without an end shows of its statistics.
alloc::Statistics statistics_of(const analyze::DeviceFindings& findings, const alloc::Statistics& read) {
  alloc::Statistics statistics = read;
  statistics.allocated.peak = findings.curves.allocated.bytes;
  statistics.active.peak = findings.curves.active.bytes;
  statistics.requested.peak = findings.curves.requested.bytes;
  statistics.reserved.peak = findings.curves.reserved.bytes;
  statistics.num_ooms = findings.ooms.size();
  return statistics;
}

/// How much of the peak is in cuDNN's workspaces, by who said how large they are.
void weigh_workspaces(const std::vector<ingest::Workspace>& workspaces, const replay::History& history,
                      const analyze::DeviceFindings& findings, Rehearsal& rehearsal) {
  for (const ingest::Workspace& one : workspaces) {
    if (static_cast<int>(one.device) != findings.index || one.entry >= history.life_of_entry.size()) continue;
    const uint32_t index = history.life_of_entry[one.entry];
    if (index == replay::kNoLife) continue;
    const replay::Life& life = history.lives[index];
    if (!replay::allocated_at(life, findings.curves.allocated.entry)) continue;
    (one.asked ? rehearsal.peak_asked : rehearsal.peak_modelled) += Bytes(life.size);
  }
}

/// Replays the log, and explains it with the state at its end, which the replay knows.
Result<bool> examine(ingest::AllocationLog&& of_process, const replay::ReadOptions& read, int cuda_major,
                     Rehearsal& rehearsal) {
  std::unique_ptr<const trace::Trace> log = std::move(of_process.trace);
  const auto chosen = find_gpu(*log, std::nullopt);
  if (!chosen) return chosen.error();
  replay::History history;
  std::optional<replay::Recorded> recorded;  // of the chosen device, as is the history
  for (const trace::Device& device : log->devices) {
    replay::History one = replay::build_history(*log, device);
    auto reading = replay::read_recording(*log, device, one, read);
    if (!reading) return reading.error();
    rehearsal.devices.push_back(
        {.index = device.index, .exact = reading->exact(), .statistics = reading->reading.statistics});
    if (&device != *chosen) continue;
    history = std::move(one);
    recorded = std::move(*reading);
  }
  rehearsal.exact = recorded->exact();
  rehearsal.fits = find_fits(*recorded, cuda_major, of_process.images);
  const alloc::Statistics replayed = recorded->reading.statistics;
  Recording recording{.path = rehearsal.program, .bytes = 0, .trace = nullptr};
  if (rehearsal.exact) {
    // Under what it ran, also where that is not the device alone: a memory fraction is only seen by what it did.
    const replay::Conditions conditions = recorded->conditions;
    trace::Trace whole =
        result_of({.recorded = std::move(*recorded), .conditions = conditions, .outcome = {}, .other_orders = {}}, *log,
                  **chosen, history);
    whole.truncated = false;
    recording.trace = std::make_unique<const trace::Trace>(std::move(whole));
  } else {
    recording.trace = std::move(log);
  }
  ExplainOptions options;
  options.read = read;
  // At its end a program has given all back. What it needs is what it has at the peak, or when memory runs out.
  if (replayed.num_ooms == 0) options.at = {.kind = analyze::Moment::kPeak};
  auto explanation = explain(std::move(recording), options);
  if (!explanation) return explanation.error();
  rehearsal.statistics =
      rehearsal.exact ? replayed : statistics_of(explanation->devices[explanation->chosen], replayed);
  rehearsal.cut_short = rehearsal.statistics.num_ooms > 0 && rehearsal.exit_code != 0;
  weigh_workspaces(of_process.workspaces, history, explanation->devices[explanation->chosen], rehearsal);
  rehearsal.explanation = std::move(*explanation);
  return true;
}

}  // namespace

std::vector<Fit> known_gpus() {
  std::vector<Fit> all;
  for (const device::Gpu& gpu : device::all_gpus()) {
    all.push_back({.gpu = std::string(gpu.key), .name = std::string(gpu.name), .total = gpu.total_memory});
  }
  return all;
}

Result<Rehearsal> rehearse(const RehearseOptions& options) {
  const auto gpu = gpu_named(options.gpu);
  if (!gpu) return gpu.error();
  const std::string python = options.python.empty() ? rehearsal::default_python() : options.python;
  const auto torch = rehearsal::find_torch(python);
  if (!torch) return torch.error();
  const auto dnn = rehearsal::find_dnn(*torch, options.dnn);
  if (!dnn) return dnn.error();
  const int cuda_major = torch->cuda_version / 1000;
  const Bytes memory = options.memory.value_or((*gpu)->total_memory);
  const Bytes context = options.context.value_or(device::context_size(**gpu, cuda_major));
  Rehearsal result{.program = fmt::format("{}", fmt::join(options.program, " ")),
                   .python = python,
                   .torch = torch->version,
                   .device = std::string((*gpu)->name),
                   .total = memory,
                   .context = context};
  result.dnn = *dnn;
  if (options.about_to_start) options.about_to_start(result);
  rehearsal::Request request{
      .python = python,
      .program = options.program,
      .presented = {.gpu = *gpu, .memory = memory, .context = context, .devices = options.devices},
      .steps = options.steps,
      .scratch = options.scratch,
      .output_to_error = options.output_to_error};
  request.presented.addresses_ascend = options.addresses_ascend;
  request.dnn = *dnn;
  if (options.host_memory) request.presented.largest_copy = *options.host_memory;
  const auto run = rehearsal::rehearse(*torch, request);
  if (!run) return run.error();
  result.exit_code = run->ending.exit_code;
  result.signal = run->ending.signal;
  auto logs = read_logs(run->logs, {.major = torch->major, .minor = torch->minor});
  if (!logs) return logs.error();
  result.processes = logs->processes;
  if (!logs->busiest) return result;
  ingest::AllocationLog& log = *logs->busiest;
  result.host_reads = log.host_reads;
  result.unknown_reads = log.unknown_reads;
  result.dropped_bytes = log.dropped_bytes;
  result.launches = log.launches;
  result.modelled = log.modelled;
  result.asked = log.asked;
  result.dnn_version = log.dnn_version;
  result.has_kernels = runs_on(**gpu, log.images);
  for (const ingest::Unanswered& one : log.unanswered) result.unanswered.emplace_back(one.function, one.calls);
  if (log.trace->events.size_rows() == 0) return result;
  replay::list_settings(log.trace->settings, replay::recorded_settings(*log.trace));
  const replay::ReadOptions read{.card = {.memory = memory, .context = context},
                                 .version = alloc::Version{.major = torch->major, .minor = torch->minor}};
  const auto examined = examine(std::move(log), read, cuda_major, result);
  if (!examined) return examined.error();
  return result;
}

}  // namespace unfrag::app
