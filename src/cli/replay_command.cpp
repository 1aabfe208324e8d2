#include "cli/replay_command.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "app/replay.h"
#include "cli/common_options.h"
#include "cli/output.h"
#include "cli/recording_options.h"
#include "report/replay_json.h"
#include "report/replay_text.h"
#include "report/snapshot_pickle.h"

namespace unfrag::cli {
namespace {

struct Arguments {
  std::string file;
  CommonOptions common;
  app::RecordingArguments recording;
  std::optional<std::string> conf;
  bool timing = false;
};

std::string render(const replay::Replayed& replayed, const CommonOptions& common) {
  if (common.format == "json") return report::replay_json(replayed) + "\n";
  return report::replay_text(replayed, text_options(common));
}

int run(const Arguments& arguments) {
  const CommonOptions& common = arguments.common;
  auto recording = app::parse_recording_options(arguments.recording);
  if (!recording) return report_error(recording.error());
  Progress progress(!common.quiet);
  app::ReplayOptions options{.open = std::move(recording->open),
                             .device = arguments.recording.device,
                             .read = recording->read,
                             .conf = arguments.conf,
                             .curves = common.output.ends_with(".json"),
                             .result = common.output.ends_with(".pickle"),
                             .timing = arguments.timing};
  options.open.progress = [&](uint64_t bytes) { progress.show(bytes); };
  const auto replayed = app::replay(arguments.file, options);
  if (!replayed) return report_error(replayed.error(), arguments.file);
  const std::string report = render(*replayed, common);
  if (!options.curves && !options.result) return write_output(report, common, {arguments.file});
  const std::string file =
      options.curves ? report::replay_json(*replayed) + "\n" : report::snapshot_pickle(*replayed->result);
  const int written = write_output(file, common, {arguments.file});
  return written != kExitFine ? written : write_output(report, {}, {});
}

}  // namespace

void add_replay(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const command =
      app.add_subcommand("replay", "Run what a snapshot recorded again: as it was, or under other settings");
  command->footer(
      "Example:\n  unfrag replay oom.pickle\n  unfrag replay --conf expandable_segments:True oom.pickle\n  "
      "unfrag replay --memory 16GiB --context 500MiB --conf default oom.pickle\n  "
      "unfrag replay --conf max_split_size_mb:64 oom.pickle -o what_if.pickle");
  command
      ->add_option("FILE", arguments->file,
                   "Snapshot: pickle, JSON or HTML page, plain, gzip, zstd or zip; - reads standard input")
      ->required();
  command->add_option("--conf", arguments->conf,
                      "Settings instead of the recorded ones, as in PYTORCH_CUDA_ALLOC_CONF; or default");
  command->add_flag("--timing", arguments->timing, "Measure how fast the replay runs");
  add_recording_options(*command, arguments->recording);
  add_common_options(*command, arguments->common);
  command->get_option("--output")
      ->description("Write to this file: FILE.pickle a snapshot of the replay, FILE.json its curves, else the report");
  command->callback([arguments, &exit] { exit = run(*arguments); });
}

}  // namespace unfrag::cli
