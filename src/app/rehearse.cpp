#include "app/rehearse.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "app/explain.h"
#include "app/gpus_that_fit.h"
#include "app/rehearse_figures.h"
#include "app/rehearse_processes.h"
#include "app/replay.h"
#include "base/text.h"
#include "device/context_size.h"
#include "device/gpu.h"
#include "ingest/allocation_log.h"
#include "rehearsal/dnn_library.h"
#include "rehearsal/program_command.h"
#include "rehearsal/rehearse.h"
#include "replay/settings_in_force.h"
#include "report/page.h"

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
Result<bool> examine(ingest::LogOfAllocations log_and_workspaces, const replay::ReadOptions& read,
                     FitConditions conditions, Rehearsal& rehearsal) {
  std::unique_ptr<const trace::Trace> log = std::move(log_and_workspaces.trace);
  rehearsal.devices.clear();
  const auto chosen = find_gpu(*log, std::nullopt);
  if (!chosen) return chosen.error();
  replay::History history;
  std::optional<replay::Recorded> recorded;  // of the chosen device, as is the history
  for (const trace::Device& device : log->devices) {
    replay::History one = replay::build_history(*log, device);
    auto reading = replay::read_recording(*log, device, one, read);
    if (!reading) return reading.error();
    rehearsal.devices.push_back(
        {.index = device.index, .exact = reading->exact(), .figures = find_figures(*log, device, read, *reading, one)});
    if (&device != *chosen) {
      conditions.others.add(rehearsal.devices.back().figures.statistics.reserved.peak);
      continue;
    }
    rehearsal.figures = rehearsal.devices.back().figures;
    history = std::move(one);
    recorded = std::move(*reading);
  }
  rehearsal.exact = recorded->exact();
  const bool cut_short = all_ooms(rehearsal) > 0 && rehearsal.exit_code != 0;
  conditions.rest_unknown = cut_short || !rehearsal.incomplete.empty();
  rehearsal.fits = find_fits(*recorded, rehearsal.figures, conditions);
  Recording recording{.path = rehearsal.program, .bytes = 0, .trace = nullptr};
  if (rehearsal.exact) {
    // Under what it ran, also where that is not the device alone: a memory fraction is only seen by what it did.
    const replay::Conditions found = recorded->conditions;
    trace::Trace whole =
        result_of({.recorded = std::move(*recorded), .conditions = found, .outcome = {}, .other_orders = {}}, *log,
                  **chosen, history);
    whole.truncated = false;
    recording.trace = std::make_unique<const trace::Trace>(std::move(whole));
  } else {
    recording.trace = std::move(log);
  }
  ExplainOptions options;
  options.read = read;
  // At its end a program has given all back. What it needs is what it has at the peak, or when memory runs out.
  if (rehearsal.figures.statistics.num_ooms == 0) options.at = {.kind = analyze::Moment::kPeak};
  auto explanation = explain(std::move(recording), options);
  if (!explanation) return explanation.error();
  weigh_workspaces(log_and_workspaces.workspaces, history, explanation->devices[explanation->chosen], rehearsal);
  rehearsal.explanation = std::move(*explanation);
  return true;
}

std::optional<report::Timing> timing_of(const allocation_log::Header& log, double seconds_per_tick) {
  if (log.timed_from == 0 || log.timed_to <= log.timed_from) return std::nullopt;
  report::Timing timing{.program_seconds = static_cast<double>(log.timed_to - log.timed_from) * seconds_per_tick};
  for (size_t i = 0; i < log.ticks.size(); ++i) {
    timing.seconds[i] = static_cast<double>(log.ticks[i]) * seconds_per_tick;
    timing.total_seconds += timing.seconds[i];
  }
  return timing;
}

std::vector<KernelImage> images_of(const std::vector<Process>& processes) {
  std::vector<KernelImage> images;
  for (const Process& process : processes) {
    images.insert(images.end(), process.summary.images.begin(), process.summary.images.end());
  }
  return images;
}

/// Examines the process with the highest peak; where its log is damaged in a way that nothing can be made of, the next.
Result<bool> examine(const std::vector<Process>& processes, const replay::ReadOptions& read, const device::Gpu& gpu,
                     int cuda_major, Rehearsal& rehearsal) {
  const FitConditions conditions{.cuda_major = cuda_major,
                                 .presented = minus_or_zero(rehearsal.total, rehearsal.context),
                                 .others = add_up(processes, rehearsal),
                                 .images = images_of(processes)};
  rehearsal.has_kernels = has_kernels(gpu, conditions.images);
  for (const Process& process : processes) {
    auto records = ingest::LogRecords::open(process.path);
    if (!records) return records.error();
    auto log = ingest::read_allocation_log(*records, {.major = read.version->major, .minor = read.version->minor});
    replay::list_settings(log.trace->settings, replay::recorded_settings(*log.trace));
    for (const report::Incomplete& one : rehearsal.incomplete) {
      log.trace->warnings.push_back(fmt::format("a recording of this program ends early: {}", one.what));
    }
    auto examined = examine(std::move(log), read, conditions, rehearsal);
    if (!examined && process.summary.fault != nullptr) continue;
    if (!examined) return examined.error();
    break;
  }
  if (rehearsal.incomplete.empty()) return true;
  rehearsal.exact = false;
  for (report::DeviceFigures& device : rehearsal.devices) device.exact = false;
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
                   .context = context,
                   .values = options.values};
  result.dnn = *dnn;
  if (options.about_to_start) options.about_to_start(result);
  rehearsal::Request request{
      .python = python,
      .program = options.program,
      .presented = {.gpu = *gpu, .memory = memory, .context = context, .devices = options.devices},
      .steps = options.steps,
      .scratch = options.scratch,
      .output_to_error = options.output_to_error};
  if (options.while_it_runs) {
    request.progress = [&](const rehearsal::Progress& now) {
      options.while_it_runs(fmt::format("{} s: {} held, {} so far", now.elapsed.count(), format_bytes(now.held),
                                        report::plural(now.launches, "kernel")));
    };
  }
  request.presented.addresses_ascend = options.addresses_ascend;
  request.presented.values = options.values;
  request.presented.timing = options.timing;
  request.dnn = *dnn;
  if (options.host_memory) request.presented.largest_copy = *options.host_memory;
  const auto run = rehearsal::rehearse(*torch, request);
  if (!run) return run.error();
  result.exit_code = run->ending.exit_code;
  result.signal = run->ending.signal;
  result.interrupted = run->ending.interrupted;
  for (const rehearsal::TorchInstall& other : run->other_torches) {
    result.other_torches.emplace_back(escape_text(other.python), escape_text(other.version));
  }
  result.steps = options.steps;
  result.steps_made = run->steps_made;
  const replay::ReadOptions read{.card = {.memory = memory, .context = context},
                                 .version = alloc::Version{.major = torch->major, .minor = torch->minor}};
  const std::vector<Process> processes = find_processes(run->logs, result);
  if (!processes.empty()) result.timing = timing_of(processes.front().summary.header, run->seconds_per_tick);
  if (result.modelled > 0 && result.asked == 0) result.dnn_trouble = escape_text(run->dnn_trouble());
  const auto examined = examine(processes, read, **gpu, cuda_major, result);
  if (!examined) return examined.error();
  return result;
}

}  // namespace unfrag::app
