#include "report/replay_html.h"

#include <fmt/format.h>

#include <vector>

#include "base/text.h"
#include "report/html.h"
#include "report/names.h"
#include "report/page.h"
#include "report/replay_text.h"

namespace unfrag::report {

std::string replay_html(const replay::Replayed& replayed) {
  const replay::Answer& answer = replayed.answer;
  Html html;
  html.paragraph(replay_headline(replayed), Tone::kVerdict);
  if (answer.what_if) html.paragraph(replay_trust(answer.recorded));
  std::vector<HtmlColumn> columns = {{""}, {answer.what_if ? "recorded" : "replayed", true}};
  if (answer.what_if) columns.push_back({"replayed", true});
  std::vector<std::vector<std::string>> rows;
  for (const ReplayRow& row : replay_rows(answer)) {
    rows.push_back({std::string(row.name), row.first});
    if (answer.what_if) rows.back().push_back(row.second);
  }
  html.table(columns, rows);
  html.list("Guessed", guesses(answer.recorded));
  const std::string conf = alloc::to_conf(answer.conditions.settings);
  if (answer.what_if && !conf.empty()) html.code(settings_line(replayed.trace->dialect, conf));
  html.paragraph(fmt::format("{}: {} of device {} replayed{}", display_path(replayed.path),
                             trace_entries(replayed.device->event_count), replayed.device->index,
                             replayed.trace->truncated ? ", CUT OFF" : ""),
                 Tone::kFaint);
  return std::move(html).take();
}

}  // namespace unfrag::report
