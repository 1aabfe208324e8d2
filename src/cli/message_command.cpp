#include "cli/message_command.h"

#include "app/explain_message.h"
#include "report/message_json.h"
#include "report/message_text.h"

namespace unfrag::cli {
namespace {}  // namespace

int run_message(const std::string& file, const CommonOptions& options) {
  Progress progress(!options.quiet);
  const auto explanation = app::explain_message(file, [&](uint64_t bytes) { progress.show(bytes); });
  if (!explanation) return report_error(explanation.error(), file);
  const std::string output = options.format == "json" ? report::message_json(*explanation) + "\n"
                                                      : report::message_text(*explanation, text_options(options));
  return write_output(output, options, {file});
}

int run_recording_help(const CommonOptions& options) {
  if (options.format == "json") {
    return report_error({ErrorKind::kUsage, "", "FILE or --message is missing", "unfrag explain --help"});
  }
  return write_output(report::recording_text(text_options(options)), options, {});
}

}  // namespace unfrag::cli
