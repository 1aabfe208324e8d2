#include "cli/diff_command.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/diff.h"
#include "app/explain.h"
#include "app/what_if.h"
#include "cli/common_options.h"
#include "cli/output.h"
#include "cli/recording_options.h"
#include "report/diff_json.h"
#include "report/diff_markdown.h"
#include "report/diff_text.h"

namespace unfrag::cli {
namespace {

struct Arguments {
  std::string a;
  std::optional<std::string> b;  ///< Nothing: A as it would have been.
  std::optional<std::string> conf;
  app::RecordingArguments recording;
  CommonOptions common;
  std::vector<std::string> fail_on;
  std::optional<int64_t> top;
  bool stacks = false;
};

Result<std::vector<analyze::Gate>> parse_gates(const std::vector<std::string>& expressions) {
  std::vector<analyze::Gate> gates;
  gates.reserve(expressions.size());
  for (const std::string& expression : expressions) {
    auto gate = analyze::parse_gate(expression);
    if (!gate) return gate.error();
    gates.push_back(std::move(*gate));
  }
  return gates;
}

Result<app::ExplainOptions> parse_options(const Arguments& arguments) {
  if (arguments.a == "-" && arguments.b == "-") {
    return Error{ErrorKind::kUsage, "", "both A and B are standard input", "a file for one of them"};
  }
  if (arguments.b && arguments.conf) {
    return Error{ErrorKind::kUsage, "", "--conf replays A, so that there is no place for B", "one or the other"};
  }
  auto recording = app::parse_recording_options(arguments.recording);
  if (!recording) return recording.error();
  if (!arguments.b && !arguments.conf && !recording->read.card.memory) {
    return Error{ErrorKind::kUsage, "", "B is missing", "a second file, or --conf or --memory for a what-if of A"};
  }
  app::ExplainOptions options;
  options.device = arguments.recording.device;
  options.open = std::move(recording->open);
  options.read = recording->read;
  return options;
}

Result<analyze::Explanation> read(const std::string& file, app::ExplainOptions options, bool quiet) {
  Progress progress(!quiet);
  options.open.progress = [&](uint64_t bytes) { progress.show(bytes); };
  return app::explain(file, options);
}

std::string render(const app::Comparison& found, const Arguments& arguments) {
  constexpr size_t kTop = 10;
  std::optional<size_t> top;
  if (arguments.top) top = static_cast<size_t>(*arguments.top);
  if (arguments.common.format == "json") return report::diff_json(found.diff, found.gates, {.top = top}) + "\n";
  if (arguments.common.format == "markdown") {
    return report::diff_markdown(found.diff, found.gates, top.value_or(kTop));
  }
  return report::diff_text(found.diff, found.gates,
                           {.width = text_width(arguments.common),
                            .unicode = use_unicode(),
                            .color = use_color(arguments.common),
                            .stacks = arguments.stacks,
                            .quiet = arguments.common.quiet,
                            .top = top.value_or(kTop)});
}

int run(const Arguments& arguments) {
  const auto gates = parse_gates(arguments.fail_on);
  if (!gates) return report_error(gates.error());
  const auto options = parse_options(arguments);
  if (!options) return report_error(options.error());
  auto a = read(arguments.a, *options, arguments.common.quiet);
  if (!a) return report_error(a.error(), arguments.a);
  auto b = arguments.b ? read(*arguments.b, *options, arguments.common.quiet)
                       : app::explain_what_if(*a, arguments.conf, *options);
  if (!b) return report_error(b.error(), arguments.b.value_or(arguments.a));
  const auto found = app::diff(std::move(*a), std::move(*b), *gates);
  if (!found) return report_error(found.error());
  const int written =
      write_output(render(*found, arguments), arguments.common, {arguments.a, arguments.b.value_or("-")});
  if (written != kExitFine) return written;
  return found->all_gates_hold() ? kExitFine : kExitGate;
}

}  // namespace

void add_diff(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const command = app.add_subcommand("diff", "Say what changed between two snapshots, and hold it to bounds");
  command->footer(
      "Example:\n  unfrag diff main.pickle branch.pickle\n  "
      "unfrag diff main.pickle branch.pickle --fail-on 'peak_reserved>+5%' --fail-on 'num_ooms>0'\n  "
      "unfrag diff main.pickle branch.pickle --format markdown > comment.md\n  "
      "unfrag diff main.pickle --conf expandable_segments:True\n\n"
      "METRIC>BOUND: peak_, now_ and reserved, active, allocated or requested; num_ooms, num_alloc_retries,\n"
      "num_device_alloc, num_device_free. A BOUND with a sign is relative to A: +5%, +100MiB, -3%; without one it is "
      "B's own: 20GiB.\n"
      "Exit code 1 where a gate does not hold.");
  command->add_option("A", arguments->a, "The snapshot to compare with; - reads standard input")->required();
  command->add_option("B", arguments->b, "The snapshot to judge; - reads standard input; none: A under --conf");
  command->add_option("--conf", arguments->conf, "Compare A with itself under these settings; or default");
  command->add_option("--fail-on", arguments->fail_on, "METRIC>BOUND: exit with 1 where it is so; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--top", arguments->top, "Lines to list that grew, and that shrank (default: 10, in JSON all)")
      ->check(CLI::Range(int64_t{0}, int64_t{1000000000}));
  command->add_flag("--stacks", arguments->stacks, "Show the whole stack of each line");
  add_recording_options(*command, arguments->recording);
  add_common_options(*command, arguments->common, {"text", "json", "markdown"});
  command->callback([arguments, &exit] { exit = run(*arguments); });
}

}  // namespace unfrag::cli
