#include "app/replay.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "replay/as_recorded.h"
#include "replay/history.h"
#include "replay/to_trace.h"

namespace unfrag::app {
namespace {

/// More than a plot can show; one an entry in recordings of an ordinary size.
constexpr size_t kMostPoints = 65536;

/// Runs it until a quarter of a second has passed.
double measure_speed(const replay::Program& program, const replay::Conditions& conditions) {
  using Clock = std::chrono::steady_clock;
  double seconds = 0;
  uint64_t entries = 0;
  while (seconds < 0.25) {
    const auto begin = Clock::now();
    replay::run_program(program, conditions, nullptr);
    seconds += std::chrono::duration<double>(Clock::now() - begin).count();
    entries += program.entries;
  }
  return static_cast<double>(entries) / seconds;
}

/// The settings that a text sets, for the release whose rules a recording follows.
Result<alloc::Settings> settings_of(const std::string& conf, alloc::Version version) {
  std::string_view text = conf;
  for (const std::string_view variable : {"PYTORCH_CUDA_ALLOC_CONF=", "PYTORCH_ALLOC_CONF="}) {
    if (text.starts_with(variable)) text.remove_prefix(variable.size());
  }
  const size_t begin = std::min(text.find_first_not_of(' '), text.size());
  text = text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
  if (text == "default") return alloc::Settings{};
  auto settings = alloc::parse_settings(text, version);
  if (settings) return settings;
  Error error = settings.error();
  error.what = "--conf: " + error.what;
  return error;
}

}  // namespace

trace::Trace result_of(const replay::Answer& answer, const trace::Trace& trace, const trace::Device& device,
                       const replay::History& history) {
  const replay::Program& program = answer.recorded.reading.program;
  replay::Log log;
  replay::Runner runner(program, answer.conditions, &log);
  if (!answer.what_if && !answer.recorded.reading.divergence) {
    replay::run_as_recorded(runner, program, trace, device, history);
  } else {
    runner.run();
  }
  return replay::to_trace(trace, device, program, runner, log);
}

Result<replay::Question> ask(const trace::Trace& trace, const trace::Device& device, const replay::ReadOptions& read,
                             const std::optional<std::string>& conf) {
  if (device.event_count == 0) {
    return Error{ErrorKind::kBadInput, "", "the snapshot has no trace: there is nothing to replay",
                 "recording from the start with torch.cuda.memory._record_memory_history()"};
  }
  replay::Question question{.read = read, .settings = {}};
  if (!conf) return question;
  const auto settings = settings_of(*conf, read.version.value_or(replay::recorded_version(trace)));
  if (!settings) return settings.error();
  question.settings = *settings;
  return question;
}

Result<replay::Replayed> replay(const std::string& path, const ReplayOptions& options) {
  auto recording = open_recording(path, options.open);
  if (!recording) return recording.error();
  return replay(std::move(*recording), options);
}

Result<replay::Replayed> replay(Recording recording, const ReplayOptions& options) {
  const auto device = find_gpu(*recording.trace, options.device);
  if (!device) return device.error();
  const trace::Trace& trace = *recording.trace;
  const auto question = ask(trace, **device, options.read, options.conf);
  if (!question) return question.error();
  const replay::History history = replay::build_history(trace, **device);
  auto answer = replay::replay(trace, **device, history, *question);
  if (!answer) return answer.error();
  replay::Replayed replayed{.path = std::move(recording.path),
                            .bytes = recording.bytes,
                            .trace = std::move(recording.trace),
                            .device = *device,
                            .read = options.read,
                            .answer = std::move(*answer)};
  const replay::Program& program = replayed.answer.recorded.reading.program;
  if (options.curves) replayed.curves = replay::draw_curves(program, replayed.answer.conditions, kMostPoints);
  if (options.result) replayed.result = result_of(replayed.answer, *replayed.trace, *replayed.device, history);
  if (options.timing) replayed.events_per_second = measure_speed(program, replayed.answer.conditions);
  return replayed;
}

}  // namespace unfrag::app
