#include "report/explain_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "report/page.h"
#include "report/random_explanation.h"
#include "trace/builder.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;

TextOptions options_of(RandomExplanation& random) {
  return {.width = random.below(200),
          .unicode = random.below(2) == 0,
          .color = random.below(2) == 0,
          .stacks = false,  // frames are not cut
          .quiet = random.below(5) == 0,
          .top = random.below(8)};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  }
  return lines;
}

/// Without the colours that the report itself puts in.
std::string without_colors(std::string text) {
  for (const std::string_view color : {"\x1b[1m", "\x1b[31m", "\x1b[0m"}) {
    for (size_t at; (at = text.find(color)) != std::string::npos;) text.erase(at, color.size());
  }
  return text;
}

TEST(ExplainText, KeepsEveryLineWithinTheWidthWhateverTheTexts) {
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    RandomExplanation random(seed);
    const Explanation explanation = random.make();
    const TextOptions options = options_of(random);
    const size_t width = std::max(options.width, kNarrowest);
    for (const std::string& line : lines_of(without_colors(explain_text(explanation, options)))) {
      if (line.starts_with("Next: ")) continue;  // a command to copy, with the path as it was given
      ASSERT_LE(display_width(line), width) << "seed " << seed << ": " << line;
    }
  }
}

TEST(ExplainText, PrintsNothingThatATerminalWouldObey) {
  for (uint32_t seed = 1; seed <= 1000; ++seed) {
    RandomExplanation random(seed);
    const Explanation explanation = random.make();
    TextOptions options = options_of(random);
    options.stacks = true;
    for (const std::string& line : lines_of(without_colors(explain_text(explanation, options)))) {
      ASSERT_EQ(escape_text(line), line) << "seed " << seed;
    }
  }
}

TEST(ExplainText, HasNoColorsUnlessAsked) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    RandomExplanation random(seed);
    const Explanation explanation = random.make();
    TextOptions options = options_of(random);
    options.color = false;
    ASSERT_EQ(explain_text(explanation, options).find('\x1b'), std::string::npos) << "seed " << seed;
  }
}

TEST(ExplainText, IsPlainAsciiWhereUnicodeIsNotWanted) {
  trace::Builder builder;
  Explanation explanation;
  explanation.path = "snapshot.pickle";
  DeviceFindings& d = explanation.devices.emplace_back();
  d.events = 2;
  d.where.requested = 5_MiB;
  d.where.rounding = 1_MiB;
  d.where.pending = 1_MiB;
  d.where.free_in_segments = 2_MiB;
  d.where.free_segments = 1_MiB;
  d.where.reserved = 10_MiB;
  d.curves.timeline = {{0, {.reserved = 5_MiB}}, {1, {.reserved = 10_MiB}}};
  d.curves.reserved = {10_MiB, 1};
  explanation.user_code = std::make_unique<analyze::UserCode>(builder.trace);
  explanation.trace = std::make_unique<trace::Trace>(std::move(builder.trace));
  for (const char c : explain_text(explanation, {.unicode = false})) {
    ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << static_cast<int>(c);
  }
}

}  // namespace
}  // namespace unfrag::report
