// The command line: one subcommand each, one place that turns what went wrong into a message and an exit code.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <new>

#include "base/os.h"
#include "base/text.h"
#include "cli/advise_command.h"
#include "cli/diff_command.h"
#include "cli/explain_command.h"
#include "cli/output.h"
#include "cli/program_words.h"
#include "cli/record_command.h"
#include "cli/rehearse_command.h"
#include "cli/replay_command.h"

namespace {

int run(int argc, char** argv) {
  CLI::App app("Why a PyTorch program ran out of GPU memory, what holds it and what would fix it", "unfrag");
  app.set_version_flag("--version", "unfrag " UNFRAG_VERSION);
  int exit = unfrag::cli::kExitFine;
  unfrag::cli::add_explain(app, exit);
  unfrag::cli::add_replay(app, exit);
  unfrag::cli::add_advise(app, exit);
  unfrag::cli::add_diff(app, exit);
  unfrag::cli::add_rehearse(app, exit);
  unfrag::cli::add_record(app, exit);
  app.allow_extras();  // so that an unknown command can be named
  unfrag::cli::keep_separators(argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    const std::string help = chosen.empty() ? "unfrag --help" : "unfrag " + chosen.front()->get_name() + " --help";
    return unfrag::cli::report_error({unfrag::ErrorKind::kUsage, "", error.what(), help});
  }
  if (app.get_subcommands().empty()) {
    const auto unknown = app.remaining();
    const std::string what = unknown.empty() ? std::string("a command is missing")
                                             : fmt::format("{} is no command", unfrag::escape_text(unknown.front()));
    return unfrag::cli::report_error({unfrag::ErrorKind::kUsage, "", what, "unfrag --help"});
  }
  return exit;
}

}  // namespace

int main(int argc, char** argv) {
  unfrag::os::ignore_broken_pipes();
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return unfrag::cli::report_error(
        {unfrag::ErrorKind::kMissing, "", "not enough memory for this file", "a machine with more"});
  } catch (const std::exception& error) {
    return unfrag::cli::report_error({unfrag::ErrorKind::kOutput, "",
                                      fmt::format("this is a bug in unfrag: {}", error.what()),
                                      "reporting it with the command you typed"});
  }
}
