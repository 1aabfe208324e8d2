#include "cli/advise_command.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/advise.h"
#include "cli/common_options.h"
#include "cli/output.h"
#include "cli/recording_options.h"
#include "report/advice_json.h"
#include "report/advice_text.h"

namespace unfrag::cli {
namespace {

struct Arguments {
  std::vector<std::string> files;
  CommonOptions common;
  app::RecordingArguments recording;
  std::optional<size_t> top;
};

struct Advised {
  analyze::Explanation explanation;
  advise::Advice advice;
};

Result<Advised> advise_on(const std::string& file, const app::RecordingOptions& recording, const Arguments& arguments) {
  Progress progress(!arguments.common.quiet);
  app::ExplainOptions options;
  options.open = recording.open;
  options.open.progress = [&](uint64_t bytes) { progress.show(bytes); };
  options.device = arguments.recording.device;
  options.read = recording.read;
  auto explanation = app::explain(file, options);
  if (!explanation) return explanation.error();
  auto advice = app::advise(*explanation, {.read = recording.read,
                                           .progress = [&](size_t done, size_t of) { progress.show_part(done, of); }});
  if (!advice) return advice.error();
  return Advised{std::move(*explanation), std::move(*advice)};
}

std::string render(const Advised& advised, const Arguments& arguments) {
  if (arguments.common.format == "json") return report::advice_json(advised.explanation, advised.advice) + "\n";
  report::TextOptions text = text_options(arguments.common);
  text.top = arguments.top.value_or(text.top);
  return report::advice_text(advised.explanation, advised.advice, text);
}

int run(const Arguments& arguments) {
  const auto recording = app::parse_recording_options(arguments.recording);
  if (!recording) return report_error(recording.error());
  const bool text = arguments.common.format == "text";
  std::string output;
  int exit = kExitFine;
  size_t advised_on = 0;
  size_t recommended = 0;
  for (const std::string& file : arguments.files) {
    const auto advised = advise_on(file, *recording, arguments);
    if (!advised) {
      exit = report_error(advised.error(), file);
      continue;
    }
    if (advised_on++ > 0 && text) output += "\n";
    recommended += advised->advice.recommended ? 1 : 0;
    output += render(*advised, arguments);
  }
  if (arguments.files.size() > 1 && text) {
    output += fmt::format("\n{} of {} files replayed; a setting helps in {}\n", advised_on, arguments.files.size(),
                          recommended);
  }
  // A command that failed leaves an older file whole.
  if (advised_on == 0 || (exit != kExitFine && !arguments.common.output.empty())) return exit;
  const int written = write_output(output, arguments.common, arguments.files);
  return written != kExitFine ? written : exit;
}

}  // namespace

void add_advise(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const command =
      app.add_subcommand("advise", "Rank allocator settings by replaying what a snapshot recorded");
  command->footer(
      "Example:\n  unfrag advise oom.pickle\n  unfrag advise --memory 16GiB --context 500MiB oom.pickle\n  "
      "unfrag advise --format json oom.pickle | jq -r '.recommended.line'");
  command
      ->add_option("FILE", arguments->files,
                   "Snapshots: pickle, JSON or HTML page, plain, gzip, zstd or zip; - reads standard input")
      ->required();
  command->add_option("--top", arguments->top, "Settings to list (default: 10 in text, all in JSON)")
      ->check(CLI::Range(size_t{0}, size_t{1000}));
  add_recording_options(*command, arguments->recording);
  add_common_options(*command, arguments->common);
  command->callback([arguments, &exit] { exit = run(*arguments); });
}

}  // namespace unfrag::cli
