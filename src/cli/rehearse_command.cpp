#include "cli/rehearse_command.h"

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/rehearse.h"
#include "app/rehearse_fit.h"
#include "base/os.h"
#include "base/text.h"
#include "cli/common_options.h"
#include "cli/output.h"
#include "cli/program_words.h"
#include "report/rehearsal_json.h"
#include "report/rehearsal_text.h"
#include "report/snapshot_pickle.h"

namespace unfrag::cli {
namespace {

constexpr int kExitSignal = 128;  // and its number, as shells have it

struct Arguments {
  CommonOptions common;
  std::string python;
  std::string gpu;
  std::string memory;
  std::string context;
  std::string host_memory;
  std::string addresses;
  std::string values = "zeros";
  std::string cudnn;
  std::string snapshot;
  std::string json;
  std::string fit;
  int devices = 1;
  uint64_t steps = 0;
  bool scratch = false;
  bool timing = false;
  bool list = false;
  bool pass_exit_code = false;
  std::vector<std::string> program;
};

Result<app::RehearseOptions> parse(const Arguments& arguments) {
  app::RehearseOptions options{.python = arguments.python,
                               .program = arguments.program,
                               .gpu = arguments.gpu,
                               .devices = arguments.devices,
                               .values = arguments.values,
                               .timing = arguments.timing,
                               .dnn = arguments.cudnn,
                               .steps = arguments.steps,
                               .scratch = arguments.scratch,
                               .output_to_error = arguments.common.format == "json"};
  if (const auto fine = check_program(options.program, "rehearse", "unfrag rehearse --gpu rtx4090 train.py"); !fine) {
    return fine.error();
  }
  const std::array<std::pair<const std::string*, std::optional<Bytes>*>, 3> sizes = {
      {{&arguments.memory, &options.memory},
       {&arguments.context, &options.context},
       {&arguments.host_memory, &options.host_memory}}};
  if (!arguments.addresses.empty()) options.addresses_ascend = arguments.addresses == "up";
  for (const auto& [text, size] : sizes) {
    if (text->empty()) continue;
    const auto parsed = parse_size(*text);
    if (!parsed) return parsed.error();
    *size = *parsed;
  }
  return options;
}

/// What somebody wrote to a file is safe there before anything can go wrong with the report.
int write_snapshot(const report::Rehearsal& rehearsal, const std::string& path) {
  if (path.empty() || !rehearsal.explanation) return kExitFine;
  CommonOptions file;
  file.output = path;
  return write_output(report::snapshot_pickle(*rehearsal.explanation->trace), file, {});
}

int write_json(const report::Rehearsal& rehearsal, const std::string& path) {
  if (path.empty()) return kExitFine;
  CommonOptions file;
  file.output = path;
  return write_output(report::rehearsal_json(rehearsal) + "\n", file, {});
}

Result<report::Rehearsal> rehearse(const Arguments& arguments, const app::RehearseOptions& options) {
  if (arguments.fit.empty()) return app::rehearse(options);
  const auto question = app::parse_fit(arguments.fit);
  if (!question) return question.error();
  return app::rehearse_largest(options, *question);
}

int run(const Arguments& arguments) {
  const CommonOptions& common = arguments.common;
  if (arguments.list) return write_output(report::gpu_list_text(app::known_gpus(), text_options(common)), common, {});
  auto options = parse(arguments);
  if (!options) return report_error(options.error());
  for (const std::string& path : {arguments.snapshot, arguments.json, common.output}) {
    if (path.empty() || path == "-") continue;
    if (const auto writable = os::check_writable(path); !writable) return report_error(writable.error());
  }
  if (!common.quiet) {
    options->about_to_start = [](const report::Rehearsal& rehearsal) {
      std::fprintf(stderr, "%s\n", report::rehearsal_notice(rehearsal).c_str());
    };
  }
  // Whole lines, as the program writes to the terminal too.
  if (!common.quiet && os::is_terminal(os::Stream::kError)) {
    options->while_it_runs = [](const std::string& line) { std::fprintf(stderr, "unfrag: %s\n", line.c_str()); };
  }
  auto rehearsal = rehearse(arguments, *options);
  if (!rehearsal) return report_error(rehearsal.error());
  if (!arguments.fit.empty() && rehearsal->interrupted != 0) {
    report_error({ErrorKind::kOutput, "", report::fit_interrupted(*rehearsal), "--fit with the range that is left"});
    return kExitSignal + rehearsal->interrupted;
  }
  rehearsal->snapshot = arguments.snapshot;
  if (const int failed = write_snapshot(*rehearsal, arguments.snapshot); failed != kExitFine) return failed;
  if (const int failed = write_json(*rehearsal, arguments.json); failed != kExitFine) return failed;
  if (common.quiet) {
    for (const std::string& said : report::rehearsal_troubles(*rehearsal)) {
      std::fprintf(stderr, "unfrag: %s\n", said.c_str());
    }
  }
  const std::string report = common.format == "json" ? report::rehearsal_json(*rehearsal) + "\n"
                                                     : report::rehearsal_text(*rehearsal, text_options(common));
  const int written = write_output(report, common, {});
  return written == kExitFine && arguments.pass_exit_code ? rehearsal->exit_code : written;
}

}  // namespace

void add_rehearse(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const command = app.add_subcommand(
      "rehearse", "Run a PyTorch program on a device that computes nothing, and say what memory it needs");
  command->footer(
      "Example:\n  unfrag rehearse train.py --bs 64\n  unfrag rehearse --gpu rtx4090 train.py\n  "
      "unfrag rehearse --memory 24GiB -m mypackage.train\n  unfrag rehearse --list\n"
      "All after the program belongs to it.");
  command->add_option("--gpu", arguments->gpu, "The GPU to present (--list names them)");
  command->add_option("--memory", arguments->memory, "All memory of the device, such as 24GiB");
  command->add_option("--context", arguments->context, "What the process's CUDA context takes of it");
  command->add_option("--devices", arguments->devices, "How many of them")->check(CLI::Range(1, 64));
  command->add_option("--python", arguments->python, "The interpreter (default: the active environment's, or python3)");
  command->add_option("--host-memory", arguments->host_memory,
                      "Copies from the host up to this size are kept (default 1MiB), the latest 256 times that in all");
  command->add_option("--values", arguments->values, "What else it reads of the device: zeros (default), ones, random")
      ->check(CLI::IsMember({"zeros", "ones", "random"}));
  command
      ->add_option(
          "--addresses", arguments->addresses,
          "Whether new segments get higher addresses or lower ones, on which PyTorch's choice of holes depends")
      ->check(CLI::IsMember({"up", "down"}));
  command
      ->add_option("--cudnn", arguments->cudnn,
                   "The folder of a libcudnn_graph.so.9 (9.8 or later) to ask for workspaces (default: where pip puts "
                   "it beside torch)")
      ->check(CLI::ExistingDirectory);
  command->add_option("--steps", arguments->steps, "End the program after so many steps of its optimizers")
      ->check(CLI::PositiveNumber);
  command->add_flag("--scratch", arguments->scratch,
                    "Run it in a throw-away copy of this folder, so that it overwrites nothing in it");
  command->add_option("--fit", arguments->fit, "Find the largest value that fits: --fit bs=8..512 train.py --bs {bs}");
  command->add_option("--snapshot", arguments->snapshot, "Keep the recording in this file");
  command->add_option("--json", arguments->json, "Write the report as JSON to this file, whatever --format prints");
  command->add_flag("--timing", arguments->timing, "Count the null device's own time");
  command->add_flag("--pass-exit-code", arguments->pass_exit_code, "End with the program's own exit code");
  command->add_flag("--list", arguments->list, "List the GPUs that can be named");
  add_common_options(*command, arguments->common);
  command->prefix_command();
  command->callback([arguments, command, &exit] {
    arguments->program = program_words(*command);
    exit = run(*arguments);
  });
}

}  // namespace unfrag::cli
