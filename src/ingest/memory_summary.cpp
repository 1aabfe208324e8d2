#include "ingest/memory_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ingest/printed_size.h"

namespace unfrag::ingest {
namespace {

using trace::MemorySummary;
using trace::Printed;
using trace::SummaryRow;
using trace::SummaryRowOrNot;

constexpr size_t kWindow = size_t{64} << 10;
constexpr size_t kRow = 256;
constexpr std::string_view kTitle = "memorysummary,deviceID";
constexpr std::string_view kFirstRow = "|Allocatedmemory|";
constexpr size_t kNowhere = std::string_view::npos;

/// Takes the text up to the next bar off `text`.
std::string_view next_cell(std::string_view& text) {
  const size_t end = std::min(text.find('|'), text.size());
  const std::string_view cell = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return cell;
}

/// "14356MiB": a whole number of units, rounded down.
std::optional<Printed> size_cell(std::string_view cell) {
  const auto found = size_at(cell, 0);
  if (!found || found->end != cell.size() || found->size.value >= kNoSize) return std::nullopt;
  Printed size = found->size;
  const uint64_t half_unit = size.high - size.value;
  size.low = size.value;
  size.high = half_unit == 0 ? size.value : size.value + 2 * half_unit - 1;
  return size;
}

/// "1234", "1234K" or "12M": rounded down to thousands or millions.
std::optional<Printed> count_cell(std::string_view cell) {
  const auto number = number_at(cell, 0);
  if (!number || *number > 1'000'000'000'000) return std::nullopt;
  const std::string digits = fmt::format("{}", *number);
  const std::string_view unit = cell.substr(std::min(digits.size(), cell.size()));
  const uint64_t factor = unit.empty() ? 1 : unit == "K" ? 1000 : unit == "M" ? 1'000'000 : 0;
  if (factor == 0 || !cell.starts_with(digits)) return std::nullopt;
  return Printed{.value = *number * factor,
                 .low = *number * factor,
                 .high = *number * factor + factor - 1,
                 .text = unit.empty() ? digits : fmt::format("{} {}", digits, unit)};
}

struct RowName {
  std::string_view name;
  SummaryRowOrNot MemorySummary::* row;
  bool is_size;
};
constexpr std::array<RowName, 11> kRows = {{{"Allocatedmemory", &MemorySummary::allocated, true},
                                            {"Activememory", &MemorySummary::active, true},
                                            {"Requestedmemory", &MemorySummary::requested, true},
                                            {"GPUreservedmemory", &MemorySummary::reserved, true},
                                            {"Nonreleasablememory", &MemorySummary::non_releasable, true},
                                            {"Allocations", &MemorySummary::allocations, false},
                                            {"Activeallocs", &MemorySummary::active_allocs, false},
                                            {"GPUreservedsegments", &MemorySummary::segments, false},
                                            {"Nonreleasableallocs", &MemorySummary::non_releasable_allocs, false},
                                            {"Oversizeallocations", &MemorySummary::oversize_allocations, false},
                                            {"OversizeGPUsegments", &MemorySummary::oversize_segments, false}}};

SummaryRowOrNot read_row(std::string_view text, bool is_size) {
  std::array<std::optional<Printed>, 4> cells;
  for (auto& cell : cells) {
    cell = is_size ? size_cell(next_cell(text)) : count_cell(next_cell(text));
    if (!cell) return std::nullopt;
  }
  return SummaryRow{*cells[0], *cells[1], *cells[2], *cells[3]};
}

std::optional<uint64_t> number_after(std::string_view text, std::string_view label) {
  const size_t at = text.find(label);
  return at == kNowhere ? std::nullopt : number_at(text, at + label.size());
}

MemorySummary read_table(std::string_view text) {
  MemorySummary summary;
  const auto device = number_after(text, kTitle);
  if (device && *device <= 4096) summary.device = static_cast<uint32_t>(*device);
  summary.ooms = number_after(text, "OOMs:");
  summary.retries = number_after(text, "Mallocretries:");
  while (!text.empty()) {
    const std::string_view name = next_cell(text);
    const auto* const known = std::ranges::find(kRows, name, &RowName::name);
    if (known == kRows.end()) continue;
    SummaryRowOrNot& row = summary.*known->row;
    if (!row) row = read_row(text, known->is_size);
  }
  return summary;
}

}  // namespace

FoundSummaries find_memory_summaries(std::string_view squeezed) {
  // A table whose title was not copied begins with its first row.
  const std::string_view beginning = squeezed.find(kTitle) == kNowhere ? kFirstRow : kTitle;
  FoundSummaries found;
  size_t last = kNowhere;
  size_t row = squeezed.find(kFirstRow);  // the first one from `at` on
  for (size_t at = squeezed.find(beginning); at != kNowhere; at = squeezed.find(beginning, at + 1)) {
    if (row < at) row = squeezed.find(kFirstRow, at);
    if (row == kNowhere) break;
    if (row - at > kWindow || !read_row(squeezed.substr(row + kFirstRow.size(), kRow), true)) continue;
    last = at;
    ++found.count;
  }
  if (last != kNowhere) found.last = read_table(squeezed.substr(last, kWindow));
  return found;
}

}  // namespace unfrag::ingest
