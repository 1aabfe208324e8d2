#include "report/replay_text.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "report/names.h"
#include "report/page.h"

namespace unfrag::report {
namespace {

using alloc::Statistics;
using replay::Answer;
using replay::Deed;
using replay::Divergence;
using replay::Recorded;
using replay::Replayed;

std::string settings_text(const alloc::Settings& settings) { return settings_prose(alloc::to_conf(settings)); }

// "alloc of 2.00 MiB at 0x7f00"
std::string deed_text(const Deed& deed) {
  if (deed.action == trace::Action::kUnknown) return "nothing";
  const std::string size = fmt::format("{} of {}", trace::action_name(deed.action), format_bytes(Bytes(deed.size)));
  return deed.action == trace::Action::kOom ? size : fmt::format("{} at {:#x}", size, deed.addr);
}

std::string all_entries(uint64_t count) {
  return count == 1 ? std::string("the only trace entry") : "all " + trace_entries(count);
}

std::string headline_of_recording(const Recorded& recorded, uint64_t entries) {
  const auto& divergence = recorded.reading.divergence;
  if (recorded.exact()) {
    return fmt::format("Exact: the replay makes {} of the recording, each at the same address and of the same size.",
                       all_entries(entries));
  }
  if (!divergence) {
    return fmt::format("The replay makes {} of the recording, but from a state that had to be guessed.",
                       all_entries(entries));
  }
  if (divergence->entry >= entries) return "Not exact: every entry agrees, but the blocks at the end differ in size.";
  return fmt::format("Not exact: replay and recording part at entry {} of {}.", format_count(divergence->entry),
                     format_count(entries));
}

// "8.00 MiB more"
std::string against(Bytes replayed, Bytes recorded) {
  if (replayed == recorded) return "as much as recorded";
  const bool less = replayed < recorded;
  const Bytes difference = less ? recorded - replayed : replayed - recorded;
  return fmt::format("{} {}", format_bytes(difference), less ? "less" : "more");
}

std::string of_failures(const Answer& answer) {
  const uint64_t refused = answer.recorded.reading.statistics.num_ooms;
  const replay::Outcome& outcome = answer.outcome;
  std::string said;
  if (refused > 0 && outcome.rescued == refused) {
    said = refused == 1 ? "; the request that failed is served" : "; all requests that failed are served";
  } else if (outcome.rescued > 0) {
    said = fmt::format("; {} of {} that failed are served", outcome.rescued, plural(refused, "request"));
  } else if (refused > 0) {
    said = refused == 1 ? "; the request that failed fails again" : "; the requests that failed fail again";
  }
  if (outcome.newly_refused > 0) {
    said += fmt::format("; {} that {} served {}", plural(outcome.newly_refused, "request"),
                        outcome.newly_refused == 1 ? "was" : "were", outcome.newly_refused == 1 ? "fails" : "fail");
  }
  return said;
}

// "With max_split_size_mb:64 on a device of 8.00 GiB"
std::string premise(const Answer& answer) {
  std::string text;
  const bool other_settings = answer.conditions.settings != answer.recorded.conditions.settings;
  if (other_settings) text = fmt::format("With {}", settings_text(answer.conditions.settings));
  if (!answer.recorded.card_is_what_if) return text;
  const replay::Limits& limits = answer.conditions.limits;
  text += fmt::format("{} a device of {}", other_settings ? " on" : "On", format_bytes(limits.total.value_or(Bytes())));
  if (limits.capacity < limits.total) text += fmt::format(" with {} for PyTorch", format_bytes(*limits.capacity));
  if (limits.limit) text += fmt::format(" limited to {}", format_bytes(*limits.limit));
  return text;
}

std::string headline_of_what_if(const Answer& answer) {
  const Bytes now = answer.outcome.statistics.reserved.peak;
  const Bytes before = answer.recorded.reading.statistics.reserved.peak;
  return fmt::format("{} the program reserves {} at its peak, {}{}.", premise(answer), format_bytes(now),
                     against(now, before), of_failures(answer));
}

void write_table(Page& page, const Answer& answer) {
  constexpr size_t kName = 21;
  const bool both = answer.what_if;
  page.line("  {} {}{}", fit_left("", kName, page.unicode()), fit_right(both ? "recorded" : "replayed", 13),
            both ? fit_right("replayed", 14) : "");
  for (const ReplayRow& row : replay_rows(answer)) {
    page.line("  {} {}{}", fit_left(row.name, kName, page.unicode()), fit_right(row.first, 13),
              both ? fit_right(row.second, 14) : "");
  }
}

void write_divergence(Page& page, const Divergence& d) {
  page.heading("Where they part");
  const auto side = [&](std::string_view who, const Deed& deed, Bytes reserved, Bytes requested) {
    page.paragraph(fmt::format("{}: {}, with {} reserved and {} requested", who, deed_text(deed),
                               format_bytes(reserved), format_bytes(requested)),
                   2, 4);
  };
  side("recorded", d.recorded, d.recorded_reserved, d.recorded_requested);
  side("replayed", d.replayed, d.replayed_reserved, d.replayed_requested);
  page.paragraph(
      "Causes, likeliest first: another release (--torch 2.9), another device or limit (--memory, --context, "
      "--fraction), settings that were changed while the program ran, private pools that no entry names before 2.12.",
      2, 4);
}

std::string device_text(const replay::Limits& limits) {
  std::string text;
  if (limits.total) {
    text = format_bytes(*limits.total);
    if (*limits.capacity < *limits.total) text += fmt::format(", {} of it for PyTorch", format_bytes(*limits.capacity));
  } else if (limits.capacity) {
    text = fmt::format("room for {}, as the recording's first failed request tells", format_bytes(*limits.capacity));
  } else {
    text = "without end (say --memory 24GiB)";
  }
  if (limits.limit) text += fmt::format(", limited to {}", format_bytes(*limits.limit));
  return text;
}

const char* order_text(replay::Direction direction) {
  switch (direction) {
    case replay::Direction::kUp: return "above";
    case replay::Direction::kDown: return "below";
    case replay::Direction::kByTurns: break;
  }
  return "by turns above and below";
}

void write_conditions(Page& page, const Answer& answer) {
  page.heading("Replayed under");
  const alloc::Version version = answer.recorded.version;
  page.paragraph(fmt::format("settings   {}", settings_text(answer.conditions.settings)), 2, 13);
  page.paragraph(fmt::format("rules of   PyTorch {}.{}", version.major, version.minor), 2, 13);
  page.paragraph(fmt::format("device     {}", device_text(answer.conditions.limits)), 2, 13);
  const alloc::Settings& settings = answer.conditions.settings;
  if (!answer.conditions.limits.limit && (settings.memory_fraction || settings.garbage_collection_threshold > 0)) {
    page.paragraph(
        "note       per_process_memory_fraction and garbage_collection_threshold have no effect here: no limit is "
        "known "
        "(say --memory, and --fraction)",
        2, 13);
  }
  if (!answer.what_if) return;
  std::string addresses =
      fmt::format("addresses  new segments lie {} older ones", order_text(answer.conditions.direction));
  if (answer.other_orders.empty()) addresses += "; the figures do not depend on it";
  for (const auto& [direction, outcome] : answer.other_orders) {
    addresses +=
        fmt::format("; {} them: {} reserved at the peak, {} failed", order_text(direction),
                    format_bytes(outcome.statistics.reserved.peak), plural(outcome.statistics.num_ooms, "request"));
  }
  page.paragraph(addresses, 2, 13);
}

void write_guesses(Page& page, const Recorded& recorded) {
  const std::vector<std::string> all = guesses(recorded);
  if (all.empty()) return;
  page.heading("Guessed");
  for (const std::string& guess : all) page.paragraph("- " + guess, 2, 4);
}

void write_next(Page& page, const Replayed& replayed) {
  page.blank();
  const std::string conf = alloc::to_conf(replayed.answer.conditions.settings);
  if (replayed.answer.what_if && !conf.empty()) {
    page.line("Set it: export {}", settings_line(replayed.trace->dialect, conf));
  }
  page.line("Next: unfrag {}{} {}", replayed.answer.what_if ? "advise" : "replay --conf expandable_segments:True",
            reading_options(*replayed.trace, replayed.device->index, replayed.read), file_argument(replayed.path));
}

}  // namespace

std::string replay_headline(const Replayed& replayed) {
  if (replayed.answer.what_if) return headline_of_what_if(replayed.answer);
  return headline_of_recording(replayed.answer.recorded, replayed.device->event_count);
}

std::string replay_trust(const Recorded& recorded) {
  if (recorded.exact()) return "As it was recorded, the replay is exact.";
  if (!recorded.reading.divergence) {
    return "As it was recorded, the replay makes every entry, but from a state that had to be guessed.";
  }
  return fmt::format("Take it with care: as it was recorded, the replay parts from the recording at entry {}.",
                     format_count(recorded.reading.divergence->entry));
}

std::vector<ReplayRow> replay_rows(const Answer& answer) {
  std::vector<ReplayRow> rows;
  const auto add = [&](std::string_view name, const auto& figure) {
    rows.push_back({name, figure(answer.recorded.reading.statistics)});
    if (answer.what_if) rows.back().second = figure(answer.outcome.statistics);
  };
  const auto bytes = [&](std::string_view name, alloc::Gauge Statistics::* member) {
    add(name, [&](const Statistics& s) { return format_bytes((s.*member).peak); });
  };
  const auto count = [&](std::string_view name, uint64_t Statistics::* member) {
    add(name, [&](const Statistics& s) { return format_count(s.*member); });
  };
  bytes("peak reserved", &Statistics::reserved);
  bytes("peak active", &Statistics::active);
  bytes("peak allocated", &Statistics::allocated);
  bytes("peak requested", &Statistics::requested);
  count("requests that failed", &Statistics::num_ooms);
  count("retries", &Statistics::num_alloc_retries);
  count("device allocations", &Statistics::num_device_alloc);
  count("device frees", &Statistics::num_device_free);
  return rows;
}

std::vector<std::string> guesses(const Recorded& recorded) {
  const replay::Reading& reading = recorded.reading;
  std::vector<std::string> all;
  if (!recorded.complete) {
    all.emplace_back("The recording begins mid-way: the memory held before is what its end and its entries imply.");
  }
  if (!recorded.exact()) {
    all.push_back(fmt::format("Beside the recording's own peak of {} reserved, the replay's is off by {:+.2f} %.",
                              format_bytes(recorded.file_reserved_peak), recorded.reserved_error_percent()));
  }
  if (recorded.limit_inferred) {
    all.push_back(fmt::format("The process's memory limit, {}, from when its garbage collector ran.",
                              format_bytes(*recorded.conditions.limits.limit)));
  }
  if (reading.sizes_guessed > 0) {
    all.push_back(fmt::format("{} from before the recording may be up to 1 MiB larger each.",
                              plural(reading.sizes_guessed, "block")));
  }
  if (reading.pools_inferred > 0) {
    all.push_back(fmt::format("{} taken for a private pool's, since their free memory was passed over.",
                              plural(reading.pools_inferred, "segment")));
  }
  if (reading.releases_read > 0) {
    all.push_back(fmt::format("{} of segments taken for the program's own empty_cache(): no stack proves it.",
                              plural(reading.releases_read, "release")));
  }
  return all;
}

std::string replay_text(const Replayed& replayed, const TextOptions& options) {
  Page page(options.width, options.unicode, options.color);
  const Answer& answer = replayed.answer;
  const Recorded& recorded = answer.recorded;
  if (!options.quiet) {
    page.paragraph(fmt::format("{}: {} of device {} replayed{}", display_path(replayed.path),
                               trace_entries(replayed.device->event_count), replayed.device->index,
                               replayed.trace->truncated ? ", CUT OFF" : ""));
    page.blank();
  }
  page.paragraph(replay_headline(replayed));
  if (options.quiet) return std::move(page).take();
  if (answer.what_if) page.paragraph(replay_trust(recorded), 2, 2);
  page.blank();
  write_table(page, answer);
  if (recorded.reading.divergence) write_divergence(page, *recorded.reading.divergence);
  write_conditions(page, answer);
  write_guesses(page, recorded);
  if (replayed.events_per_second) {
    page.blank();
    page.line("Speed: {} entries a second", format_count(static_cast<uint64_t>(*replayed.events_per_second)));
  }
  write_next(page, replayed);
  return std::move(page).take();
}

}  // namespace unfrag::report
