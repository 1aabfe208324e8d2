#include "report/growth_text.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace unfrag::report {
namespace {

std::string marks_of(const analyze::Iterations& iterations) {
  std::string name = excerpt(iterations.name);
  switch (iterations.source) {
    case analyze::Iterations::kAnnotations: return name;
    case analyze::Iterations::kOptimizer:
      return name.empty() ? std::string("optimizer steps") : fmt::format("optimizer steps, {}", name);
    default: return name.empty() ? std::string("the same sizes again") : fmt::format("{} again", name);
  }
}

// Never more than is sure: 99.96 % is "99.9 %".
std::string percent(double share) { return fmt::format("{:.1f} %", std::floor(share * 1000) / 10); }

}  // namespace

std::string growth_title(const analyze::Growth& growth) {
  return fmt::format("What grows, at the quietest point of {} iterations ({})",
                     format_count(growth.suspects.front().iterations), marks_of(growth.iterations));
}

std::string growth_sentence(const Names& names, const analyze::Suspect& suspect) {
  const auto each = Bytes(static_cast<uint64_t>(std::max(0.0, std::round(suspect.bytes_per_iteration))));
  return fmt::format("{}: {} more, {} an iteration, in {} instead of {}; {} sure", names.place(suspect.stack),
                     format_bytes(suspect.rise()), format_bytes(each), plural(suspect.last_blocks, "block"),
                     format_count(suspect.first_blocks), percent(suspect.confidence));
}

void write_growth(Page& page, const Names& names, const analyze::DeviceFindings& findings, size_t top) {
  const analyze::Growth& growth = findings.growth;
  if (growth.suspects.empty()) return;
  page.heading(growth_title(growth));
  Bytes rest = growth.rise;
  const size_t listed = std::min(top, growth.suspects.size());
  for (size_t i = 0; i < listed; ++i) {
    page.paragraph(growth_sentence(names, growth.suspects[i]), 2, 4);
    rest -= growth.suspects[i].rise();
  }
  if (listed == growth.suspects.size()) return;
  page.line("  {}, {}", plural(growth.suspects.size() - listed, "more line"), format_bytes(rest));
}

}  // namespace unfrag::report
