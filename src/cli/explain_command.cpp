#include "cli/explain_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "app/advise.h"
#include "app/explain.h"
#include "app/explain_options.h"
#include "cli/common_options.h"
#include "cli/message_command.h"
#include "cli/output.h"
#include "cli/recording_options.h"
#include "report/explain_json.h"
#include "report/explain_text.h"

namespace unfrag::cli {
namespace {

struct Arguments : app::ExplainArguments {
  std::vector<std::string> files;
  std::optional<std::string> message;
  CommonOptions common;
  std::optional<int64_t> top;
  bool stacks = false;
  bool advise = false;
};

std::string render(const analyze::Explanation& explanation, const advise::Advice* advice, const Arguments& arguments) {
  std::optional<size_t> top;
  if (arguments.top) top = static_cast<size_t>(*arguments.top);
  if (arguments.common.format == "json")
    return report::explain_json(explanation, {.top = top, .advice = advice}) + "\n";
  report::TextOptions text = text_options(arguments.common);
  text.stacks = arguments.stacks;
  text.top = top.value_or(10);
  return report::explain_text(explanation, text, advice);
}

int run(const Arguments& arguments) {
  if (arguments.message) return run_message(*arguments.message, arguments.common);
  if (arguments.files.empty()) return run_recording_help(arguments.common);
  const auto options = app::parse_explain_options(arguments);
  if (!options) return report_error(options.error());
  std::string output;
  int exit = kExitFine;
  size_t explained = 0;
  size_t out_of_memory = 0;
  for (const std::string& file : arguments.files) {
    Progress progress(!arguments.common.quiet);
    app::ExplainOptions with_progress = *options;
    with_progress.open.progress = [&](uint64_t bytes) { progress.show(bytes); };
    const auto explanation = app::explain(file, with_progress);
    if (!explanation) {
      exit = report_error(explanation.error(), file);
      continue;
    }
    std::optional<advise::Advice> advice;
    if (arguments.advise) {
      auto found = app::advise(*explanation, {.read = options->read, .progress = [&](size_t done, size_t of) {
                                                progress.show_part(done, of);
                                              }});
      if (!found) {
        exit = report_error(found.error(), file);
        continue;
      }
      advice = std::move(*found);
    }
    if (explained++ > 0 && arguments.common.format == "text") output += "\n";
    for (const auto& device : explanation->devices) out_of_memory += device.ooms.empty() ? 0 : 1;
    output += render(*explanation, advice ? &*advice : nullptr, arguments);
  }
  if (arguments.files.size() > 1 && arguments.common.format == "text") {
    output += fmt::format("\n{} of {} files explained; {} ran out of memory\n", explained, arguments.files.size(),
                          out_of_memory == 1 ? std::string("1 device") : fmt::format("{} devices", out_of_memory));
  }
  // A command that failed leaves an older file whole.
  if (explained == 0 || (exit != kExitFine && !arguments.common.output.empty())) return exit;
  const int written = write_output(output, arguments.common, arguments.files);
  return written != kExitFine ? written : exit;
}

}  // namespace

void add_explain(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const command = app.add_subcommand("explain", "Say where the memory of a snapshot is and who holds it");
  command->footer(
      "Example:\n  unfrag explain oom.pickle\n  unfrag explain --at peak --stacks oom.pickle\n  "
      "unfrag explain --format json oom.pickle.gz | jq '.devices[0].holders[0]'\n  "
      "unfrag explain --message error.txt");
  command->add_option("FILE", arguments->files,
                      "Snapshots: pickle, JSON or HTML page, plain, gzip, zstd or zip; - reads standard input");
  command->add_option("--at", arguments->at,
                      "Moment to explain: an entry number, peak, oom or end (default: the last oom, else end)");
  command->add_option("--want", arguments->want, "Would a request of this size be served? 400MiB, 1.5GiB, ...");
  command->add_option("--stream", arguments->stream, "With --want: the stream that asks (default: 0)");
  add_recording_options(*command, arguments->recording);
  command->add_option("--top", arguments->top, "Holders to list (default: 10 in text, all in JSON)")
      ->check(CLI::Range(int64_t{0}, int64_t{1000000000}));
  command->add_option("--group", arguments->group, "What a holder is")
      ->check(CLI::IsMember({"line", "function", "stream", "segment"}))
      ->capture_default_str();
  command->add_flag("--advise", arguments->advise, "Append which allocator settings help, as unfrag advise says");
  command->add_flag("--stacks", arguments->stacks, "Show the whole stack of each holder");
  const std::vector<const CLI::Option*> of_snapshots =
      std::as_const(*command).get_options([](const CLI::Option* option) { return !option->check_lname("help"); });
  command->add_option(
      "--message", arguments->message,
      "Explain the text of an out-of-memory error or a memory_summary() table instead; - reads standard input");
  add_common_options(*command, arguments->common);
  command->callback([arguments, of_snapshots, &exit] {
    const auto given = std::ranges::find_if(of_snapshots, [](const auto* option) { return option->count() > 0; });
    const bool both = arguments->message && given != of_snapshots.end();
    exit = both ? report_error({ErrorKind::kUsage, "", fmt::format("--message excludes {}", (*given)->get_name()),
                                "one or the other"})
                : run(*arguments);
  });
}

}  // namespace unfrag::cli
