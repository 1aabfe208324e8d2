#include "ingest/log_summary.h"

#include <algorithm>

#include "base/text.h"

namespace unfrag::ingest {
namespace {

using allocation_log::Kind;
using allocation_log::Record;

// Of TraceEntry::Action.
constexpr uint8_t kSegmentAlloc = 3;
constexpr uint8_t kSegmentFree = 4;
constexpr uint8_t kSegmentMap = 5;
constexpr uint8_t kSegmentUnmap = 6;
constexpr uint8_t kOom = 8;

/// Clocks may be set back; a sum may be anything in a damaged file.
void add_event(LogSummary& summary, const Record& record) {
  ++summary.entries;
  summary.last_us = std::max(summary.last_us, record.time_us);
  if (record.action == kOom) ++summary.num_ooms;
  std::vector<Holding>& holdings = summary.devices[record.device];
  const uint64_t before = holdings.empty() ? 0 : holdings.back().reserved.value();
  const bool takes = record.action == kSegmentAlloc || record.action == kSegmentMap;
  const bool gives = record.action == kSegmentFree || record.action == kSegmentUnmap;
  if (!takes && !gives && !holdings.empty()) return;
  uint64_t reserved = before;
  if (takes) reserved = before > UINT64_MAX - record.size ? UINT64_MAX : before + record.size;
  if (gives) reserved = before - std::min(before, record.size);
  const int64_t time = holdings.empty() ? record.time_us : std::max(record.time_us, holdings.back().time_us);
  holdings.push_back({.time_us = time, .reserved = Bytes(reserved)});
}

}  // namespace

Bytes peak_of(const std::vector<Holding>& holdings) {
  Bytes peak;
  for (const Holding& one : holdings) peak = std::max(peak, one.reserved);
  return peak;
}

Bytes LogSummary::peak_reserved() const {
  Bytes peak;
  for (const auto& [device, holdings] : devices) peak = std::max(peak, peak_of(holdings));
  return peak;
}

std::string LogSummary::command() const {
  std::string words(header.command.begin(), header.command.end());
  words.resize(words.find_last_not_of('\0') + 1);
  std::ranges::replace(words, '\0', ' ');
  return escape_text(words);
}

std::string LogSummary::last_call() const {
  if (header.last_thread == 0 || header.last_thread > header.last_calls.size()) return "";
  const auto& name = header.last_calls[header.last_thread - 1];
  return escape_text({name.begin(), std::ranges::find(name, '\0')});
}

LogSummary summarize_log(LogRecords& log) {
  LogSummary summary{.header = log.header()};
  while (const Record* const record = log.next()) {
    if (record->kind == Kind::kEvent) add_event(summary, *record);
    if (record->kind == Kind::kImage) {
      summary.images.push_back({.architecture = static_cast<int>(record->number),
                                .ptx = record->first != 0,
                                .exactly = record->second != 0});
    }
    if (record->kind != Kind::kUnanswered) continue;
    summary.unanswered.push_back(
        {.function = escape_text(log.text(record->first)), .calls = summary.header.unanswered[record->number]});
  }
  summary.fault = log.fault();
  return summary;
}

}  // namespace unfrag::ingest
