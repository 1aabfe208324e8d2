#include "app/rehearse_processes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/text.h"

namespace unfrag::app {
namespace {

using allocation_log::Stop;
using ingest::LogSummary;
using report::Incomplete;
using report::Rehearsal;

Incomplete damaged(const std::string& path, std::string_view what, std::string action = "rehearsing it again") {
  const std::string name = std::filesystem::path(path).filename();
  return {.log = escape_text(name),
          .reason = "damaged",
          .what = fmt::format("{}: {}", escape_text(name), what),
          .action = std::move(action)};
}

Incomplete stopped(const std::string& path, const LogSummary& log) {
  Incomplete one{
      .log = escape_text(std::filesystem::path(path).filename().string()),
  };
  if (log.header.claimed > 0) one.lost = log.header.lost;
  const std::string folder = std::filesystem::path(path).parent_path().parent_path();
  switch (log.header.stop) {
    case Stop::kNone: break;
    case Stop::kDisk:
      one.reason = "disk";
      one.what = fmt::format("its log in {} can grow no more: {}", escape_text(folder),
                             std::generic_category().message(log.header.stop_error));
      one.action = log.header.stop_error == EMFILE ? "ulimit -n 65536" : "TMPDIR=FOLDER with room";
      break;
    case Stop::kFileSizeLimit:
      one.reason = "file_size_limit";
      one.what = "its log is as large as a file may be";
      one.action = "ulimit -f unlimited";
      break;
    case Stop::kAddressSpace:
      one.reason = "address_space";
      one.what = "no more of its log can be mapped into the address space that a process may have";
      one.action = "ulimit -v unlimited";
      break;
    case Stop::kLength:
      one.reason = "length";
      one.what = fmt::format("its log has {}", format_bytes(Bytes(allocation_log::kMostBytes)));
      one.action = "fewer steps (--steps)";
      break;
  }
  return one;
}

void add_counters(const LogSummary& log, Rehearsal& r) {
  r.host_reads += log.header.host_reads;
  r.unknown_reads += log.header.unknown_reads;
  r.dropped_bytes += log.header.dropped_bytes;
  r.launches += log.header.launches;
  r.modelled += log.header.modelled;
  r.asked += log.header.asked;
  r.dnn_version = std::max(r.dnn_version, log.header.dnn_version);
  for (const ingest::Unanswered& one : log.unanswered) {
    const auto known = std::ranges::find(r.unanswered, one.function, &std::pair<std::string, uint32_t>::first);
    if (known == r.unanswered.end()) {
      r.unanswered.emplace_back(one.function, one.calls);
    } else {
      known->second += one.calls;
    }
  }
}

/// A signal met the process that was started, which came to the device before those that it started.
void note_crash(const LogSummary& log, Rehearsal& r, int64_t& earliest) {
  if (r.signal == 0 || log.header.began_us >= earliest) return;
  earliest = log.header.began_us;
  r.last_call = log.last_call();
  r.at_exit = log.header.at_exit != 0;
}

report::ProcessFigures figures_of(const LogSummary& log) {
  report::ProcessFigures figures{.process = log.header.process,
                                 .command = log.command(),
                                 .entries = log.entries,
                                 .num_ooms = log.num_ooms,
                                 .peak_reserved = log.peak_reserved()};
  for (const auto& [device, holdings] : log.devices) figures.devices.emplace_back(device, ingest::peak_of(holdings));
  return figures;
}

/// When another program took its process over, as it may have by execv; else when it said that it ends.
std::optional<int64_t> end_of(const LogSummary& log, const std::vector<Process>& processes) {
  if (log.header.ended_us > 0) return std::max(log.header.ended_us, log.last_us);
  std::optional<int64_t> end;
  for (const Process& other : processes) {
    const allocation_log::Header& next = other.summary.header;
    if (next.process != log.header.process || next.began_us <= log.header.began_us) continue;
    if (next.began_us >= log.last_us && (!end || next.began_us < *end)) end = next.began_us;
  }
  return end;
}

/// From then on a process holds so much of one device, or uses it no more.
struct Change {
  int64_t time_us = 0;
  bool ends = false;
  size_t process = 0;
  Bytes reserved;
  size_t order = 0;  ///< Of those at the same time.
};

/// What is held of one device. `to_the_end`: also by whom nobody knows when it ended, else it ended with its last
/// entry.
class Usage {
 public:
  Usage(const std::vector<Process>& processes, int device, bool to_the_end) {
    for (size_t i = 0; i < processes.size(); ++i) {
      const LogSummary& log = processes[i].summary;
      const auto found = log.devices.find(device);
      if (found == log.devices.end()) continue;
      ++users_;
      for (const ingest::Holding& one : found->second) changes_.push_back({one.time_us, false, i, one.reserved});
      const auto end = end_of(log, processes);
      if (end || !to_the_end) changes_.push_back({end.value_or(log.last_us), true, i, Bytes()});
    }
    for (size_t i = 0; i < changes_.size(); ++i) changes_[i].order = i;
    std::ranges::sort(changes_, {}, [](const Change& one) { return std::tuple(one.time_us, one.ends, one.order); });
    play();
  }

  [[nodiscard]] size_t users() const { return users_; }
  [[nodiscard]] size_t most_at_once() const { return most_at_once_; }
  [[nodiscard]] Bytes peak() const { return peak_; }
  /// By the number of users, while there are others than the first process.
  [[nodiscard]] const std::vector<Bytes>& with_others() const { return with_others_; }

 private:
  void play() {
    std::map<size_t, Bytes> held;  // by process
    Bytes sum;
    for (const Change& change : changes_) {
      sum = Bytes(sum.value() - held[change.process].value());
      if (change.ends) {
        held.erase(change.process);
      } else {
        sum = Bytes(sum.value() + change.reserved.value());
        held[change.process] = change.reserved;
      }
      most_at_once_ = std::max(most_at_once_, held.size());
      peak_ = std::max(peak_, sum);
      if (held.size() <= held.count(0)) continue;
      if (with_others_.size() <= held.size()) with_others_.resize(held.size() + 1);
      with_others_[held.size()] = std::max(with_others_[held.size()], sum);
    }
  }

  std::vector<Change> changes_;
  size_t users_ = 0;
  size_t most_at_once_ = 0;
  Bytes peak_;
  std::vector<Bytes> with_others_;
};

}  // namespace

void NeedOfOthers::add(Bytes of_one_process) {
  if (reserved.size() < 2) reserved.resize(2);
  reserved[1] = std::max(reserved[1], of_one_process);
}

Bytes NeedOfOthers::with_contexts(Bytes context) const {
  uint64_t most = 0;
  for (size_t users = 1; users < reserved.size(); ++users) {
    most = std::max(most, reserved[users].value() + users * context.value());
  }
  return Bytes(most);
}

std::vector<Process> find_processes(const std::vector<std::string>& logs, Rehearsal& rehearsal) {
  std::vector<Process> processes;
  int64_t earliest = INT64_MAX;
  for (const std::string& path : logs) {
    auto records = ingest::LogRecords::open(path);
    if (!records) {
      rehearsal.incomplete.push_back(damaged(path, records.error().what, records.error().action));
      continue;
    }
    LogSummary log = ingest::summarize_log(*records);
    if (log.fault != nullptr) rehearsal.incomplete.push_back(damaged(path, log.fault));
    if (log.header.stop != Stop::kNone) rehearsal.incomplete.push_back(stopped(path, log));
    add_counters(log, rehearsal);
    note_crash(log, rehearsal, earliest);
    if (log.used_device()) processes.push_back({.path = path, .summary = std::move(log)});
  }
  std::ranges::sort(processes, [](const Process& a, const Process& b) {
    return std::tuple(b.summary.peak_reserved(), a.summary.header.began_us, a.path) <
           std::tuple(a.summary.peak_reserved(), b.summary.header.began_us, b.path);
  });
  for (const Process& one : processes) rehearsal.processes.push_back(figures_of(one.summary));
  return processes;
}

NeedOfOthers add_up(const std::vector<Process>& processes, Rehearsal& rehearsal) {
  std::set<int> devices;
  for (const Process& one : processes) {
    for (const auto& [device, holdings] : one.summary.devices) devices.insert(device);
  }
  NeedOfOthers need;
  for (const int device : devices) {
    const Usage usage(processes, device, true);
    const std::vector<Bytes>& others = usage.with_others();
    if (need.reserved.size() < others.size()) need.reserved.resize(others.size());
    for (size_t users = 0; users < others.size(); ++users) {
      need.reserved[users] = std::max(need.reserved[users], others[users]);
    }
    const NeedOfOthers here{.reserved = others};
    rehearsal.together.push_back({.index = device,
                                  .processes = usage.users(),
                                  .most_at_once = usage.most_at_once(),
                                  .peak_reserved = usage.peak(),
                                  .is_upper_bound = usage.peak() != Usage(processes, device, false).peak(),
                                  .fits = here.with_contexts(rehearsal.context) <= rehearsal.total});
  }
  return need;
}

}  // namespace unfrag::app
