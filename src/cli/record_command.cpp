#include "cli/record_command.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "app/record.h"
#include "cli/output.h"
#include "cli/program_words.h"
#include "report/recorded_text.h"

namespace unfrag::cli {
namespace {

struct Arguments {
  CommonOptions common;  ///< -o is the recording's: the report goes to standard error.
  std::string python;
  std::string file = "unfrag-record.pickle";
  uint64_t max_entries = 100'000;
  uint32_t poke = 0;
  std::vector<std::string> program;
};

Result<app::RecordOptions> parse(const Arguments& arguments) {
  app::RecordOptions options{.python = arguments.python,
                             .program = arguments.program,
                             .file = arguments.file,
                             .max_entries = arguments.max_entries};
  if (const auto fine = check_program(arguments.program, "record", "unfrag record train.py"); !fine)
    return fine.error();
  return options;
}

report::TextOptions options_for_stderr(const CommonOptions& common) {
  CommonOptions options = common;
  if (options.color == "auto") options.color = "never";
  return text_options(options);
}

int print_poked(const Arguments& arguments) {
  const auto poked = app::poke(arguments.poke);
  if (!poked) return report_error(poked.error());
  return write_output(report::recorded_text(*poked, text_options(arguments.common)), arguments.common, {});
}

int run(const Arguments& arguments) {
  if (arguments.poke != 0) return print_poked(arguments);
  const auto options = parse(arguments);
  if (!options) return report_error(options.error());
  const auto recorded = app::record(*options);
  if (!recorded) return report_error(recorded.error());
  // Standard output is the program's alone.
  fmt::print(stderr, "{}", report::recorded_text(*recorded, options_for_stderr(arguments.common)));
  if (recorded->exit_code != 0) return recorded->exit_code;
  return recorded->failed ? exit_code(ErrorKind::kOutput) : kExitFine;
}

}  // namespace

void add_record(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const command = app.add_subcommand(
      "record", "Run a PyTorch program and record what its allocator does, for explain, advise and replay");
  command->footer(
      "Example:\n  unfrag record train.py --bs 64\n  unfrag record -o run.pickle -m mypackage.train\n  "
      "unfrag record torchrun --nproc-per-node 2 train.py\n  unfrag record --poke 4711\n"
      "All after the program belongs to it; so do standard output and the exit code. The report goes to standard "
      "error.");
  command->add_option("-o,--output", arguments->file, "Where the recording goes")->capture_default_str();
  command->add_option("--python", arguments->python, "The interpreter (default: the active environment's, or python3)");
  command->add_option("--max-entries", arguments->max_entries, "The latest entries of each device that are kept")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
      ->capture_default_str();
  command
      ->add_option("--poke", arguments->poke,
                   "Have a program that is being recorded write a snapshot now: the number of `unfrag record`, or of "
                   "a process under it")
      ->check(CLI::PositiveNumber);
  command->add_flag("-q,--quiet", arguments->common.quiet, "Only the result in a sentence");
  command->add_option("--color", arguments->common.color, "Colours")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  command->add_option("--width", arguments->common.width, "Columns of text (default: the terminal's, else 80)")
      ->check(CLI::Range(size_t{60}, size_t{1000}));
  command->prefix_command();
  command->callback([arguments, command, &exit] {
    arguments->program = program_words(*command);
    exit = run(*arguments);
  });
}

}  // namespace unfrag::cli
