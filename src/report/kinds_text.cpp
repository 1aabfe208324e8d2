#include "report/kinds_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.h"
#include "report/holder_table.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::KindUse;
using analyze::MemoryKind;

constexpr size_t kShareColumn = 7;  // "100.0 %"
constexpr size_t kBlockColumn = 7;
constexpr size_t kWithShares = 66;  // columns that all of it takes

std::string name_of(MemoryKind kind) {
  std::string name(analyze::kind_name(kind));
  std::ranges::replace(name, '_', ' ');
  return name;
}

std::string share(Bytes part, Bytes whole) {
  if (whole == Bytes()) return "";
  return fmt::format("{:.1f} %", 100.0 * static_cast<double>(part.value()) / static_cast<double>(whole.value()));
}

void write_row(Page& page, std::string_view at, std::string_view at_share, std::string_view peak,
               std::string_view peak_share, std::string_view blocks, std::string_view kind) {
  const auto column = [&](std::string_view bytes, std::string_view part) {
    if (page.width() < kWithShares) return fmt::format(" {}", fit_right(bytes, kSizeColumn));
    return fmt::format(" {} {}", fit_right(bytes, kSizeColumn), fit_right(part, kShareColumn));
  };
  std::string line = fmt::format(" {}", column(at, at_share));
  if (!peak.empty()) line += column(peak, peak_share);
  page.line("{} {} {}", line, fit_right(blocks, kBlockColumn), kind);
}

}  // namespace

void write_kinds(Page& page, const DeviceFindings& d) {
  Bytes at, peak;
  bool any_known = false;
  for (const KindUse& use : d.kinds) {
    at += use.at.bytes;
    peak += use.at_peak.bytes;
    any_known = any_known || (use.kind != MemoryKind::kUnknown && use.at.blocks + use.at_peak.blocks > 0);
  }
  if (!any_known) return;
  page.heading("What kind of memory it is");
  const bool same = d.at_entry == d.curves.allocated.entry;
  write_row(page, moment_column(d.at_kind), "", same ? "" : "at the peak", "", "blocks", "");
  for (const KindUse& use : d.kinds) {
    if (use.at.blocks + use.at_peak.blocks == 0) continue;
    write_row(page, format_bytes(use.at.bytes), share(use.at.bytes, at),
              same ? std::string() : format_bytes(use.at_peak.bytes), share(use.at_peak.bytes, peak),
              format_count(use.at.blocks), name_of(use.kind));
  }
}

}  // namespace unfrag::report
