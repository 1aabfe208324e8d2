#include "report/recorded_text.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/page.h"

namespace unfrag::report {
namespace {

const char* moment_words(RecordedFile::Moment moment) {
  switch (moment) {
    case RecordedFile::kOom: return "when memory first ran out";
    case RecordedFile::kPoke: return "when asked";
    case RecordedFile::kEnd: break;
  }
  return "at the end";
}

std::string nothing_recorded(const Recorded& recorded) {
  const std::string program = escape_text(recorded.program);
  if (!recorded.loaded) {
    return fmt::format(
        "Nothing is recorded: no Python that {} started took the recorder up. It is no Python program, or runs Python "
        "with -I, -E or -S.",
        program);
  }
  if (!recorded.used_cuda) return fmt::format("Nothing is recorded: {} never used CUDA.", program);
  return fmt::format("Nothing is recorded of {}.", program);
}

}  // namespace

std::string recorded_text(const Recorded& recorded, const TextOptions& options) {
  Page page(options.width, options.unicode, options.color);
  if (recorded.files.empty()) page.paragraph(nothing_recorded(recorded), 0, 0, Emphasis::kBold);
  if (!options.quiet) {
    for (const RecordedFile& file : recorded.files) {
      page.line("Recorded {}: {}", moment_words(file.moment), escape_text(file.path));
    }
  }
  for (const std::string& what : recorded.missing) page.paragraph(fmt::format("Missing: {}", escape_text(what)));
  if (!options.quiet) {
    for (const std::string& note : recorded.notes) page.paragraph(fmt::format("Note: {}", escape_text(note)));
  }
  if (!recorded.explanation) return std::move(page).take();
  if (!options.quiet) page.blank();
  return std::move(page).take() + explain_text(*recorded.explanation, options);
}

}  // namespace unfrag::report
