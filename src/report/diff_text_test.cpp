#include "report/diff_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "report/diff_html.h"
#include "report/diff_json.h"
#include "report/diff_markdown.h"
#include "report/diff_words.h"
#include "report/page.h"
#include "report/xml_for_tests.h"
#include "trace/builder.h"

namespace unfrag::report {
namespace {

using analyze::Diff;
using analyze::DiffSide;
using analyze::Metric;

/// Two recordings with random figures and hostile names.
class RandomDiff {
 public:
  explicit RandomDiff(uint32_t seed) : random_(seed) {}

  Diff make() {
    const bool knows_peak = below(4) > 0;
    return analyze::compare(side(builders_[0], knows_peak), side(builders_[1], knows_peak));
  }
  std::vector<analyze::GateOutcome> gates(const Diff& diff) {
    std::vector<analyze::GateOutcome> outcomes;
    for (const std::string_view expression : {"now_reserved>+5%", "now_active>1KiB", "now_allocated>-50%"}) {
      const auto outcome = analyze::check_gate(*analyze::parse_gate(expression), diff.a.metrics, diff.b.metrics);
      if (below(2) == 0) outcomes.push_back(*outcome);
    }
    return outcomes;
  }
  TextOptions options() {
    return {.width = below(200),
            .unicode = true,
            .color = false,
            .stacks = below(2) == 0,
            .quiet = below(5) == 0,
            .top = below(8)};
  }

 private:
  uint64_t below(uint64_t limit) { return random_() % limit; }
  uint64_t amount() { return random_() >> (16 + below(48)); }
  analyze::Held held() {
    const uint64_t bytes = below(3) == 0 ? 0 : 512 + amount();
    return {.bytes = Bytes(bytes), .blocks = bytes == 0 ? 0 : 1 + below(9)};
  }

  std::string text() {
    constexpr std::string_view kPieces[] = {"train.py", "/home/user/", "@everyone ", "`",    "``",         "|",
                                            "<b>",      "](x)",        "\x1b[31m",   "\xff", "λ",          "日本",
                                            "\u202e",   "\n",          "\\",         " * ",  "https://x.y"};
    std::string result;
    const uint64_t pieces = below(below(10) == 0 ? 100 : 6);
    for (uint64_t i = 0; i < pieces; ++i) result += kPieces[below(std::size(kPieces))];
    return result;
  }

  DiffSide side(trace::Builder& builder, bool knows_peak) {
    DiffSide side{.label = below(5) == 0 ? "-" : text(), .trace = &builder.trace};
    side.device = static_cast<int>(below(3));
    side.events = knows_peak ? static_cast<uint32_t>(below(10'000'000)) : 0;
    side.complete = below(2) == 0;
    side.allocated_is_lower_bound = below(2) == 0;
    Bytes peak{}, now{};
    for (uint64_t i = below(30); i > 0; --i) {
      analyze::Holder holder{.now = held(), .at = {}, .at_peak = held(), .frame = {}};
      peak += holder.at_peak.bytes;
      now += holder.now.bytes;
      if (below(5) > 0) {
        const std::string file = below(2) == 0 ? "train.py" : text();
        holder.frame = builder.intern(trace::Frame{.name = builder.intern(below(2) == 0 ? "f" : text()),
                                                   .filename = builder.intern(file),
                                                   .line = static_cast<uint32_t>(below(30))});
        holder.origin = static_cast<analyze::Origin>(below(5));
        holder.stack = builder.intern(std::span(&holder.frame, 1));
      }
      side.holders.push_back(holder);
    }
    for (size_t i = 0; i < analyze::kMetrics; ++i) {
      const uint64_t figure = is_size(static_cast<Metric>(i)) ? amount() : below(10'000'000);
      side.metrics[i] = below(9) == 0 ? 0 : figure;
    }
    at(side.metrics, Metric::kNumAllocRetries).reset();
    at(side.metrics, Metric::kPeakAllocated) = peak.value();
    at(side.metrics, Metric::kNowAllocated) = now.value();
    if (!knows_peak) {
      at(side.metrics, Metric::kPeakAllocated).reset();
      at(side.metrics, Metric::kPeakReserved).reset();
    }
    for (uint64_t i = below(3); i > 0; --i) side.warnings.push_back(text());
    return side;
  }

  std::mt19937_64 random_;
  trace::Builder builders_[2];
};

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

TEST(DiffText, KeepsEveryLineWithinTheWidthAndPrintsNothingThatATerminalWouldObey) {
  for (uint32_t seed = 1; seed <= 1000; ++seed) {
    RandomDiff random(seed);
    const Diff diff = random.make();
    const TextOptions options = random.options();
    const size_t width = std::max(options.width, kNarrowest);
    for (const std::string& line : lines_of(diff_text(diff, random.gates(diff), options))) {
      ASSERT_LE(display_width(line), width) << "seed " << seed << ": " << line;
      ASSERT_EQ(escape_text(line), line) << "seed " << seed;
    }
  }
}

TEST(DiffText, AddsUpWhateverTheHolders) {
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    RandomDiff random(seed);
    const Diff diff = random.make();
    for (const auto* moment : {diff.peak ? &*diff.peak : nullptr, &diff.end}) {
      if (moment == nullptr) continue;
      Bytes a = moment->same_a.bytes, b = moment->same_b.bytes;
      ASSERT_EQ(a, b) << "seed " << seed;
      for (const auto* changes : {&moment->grew, &moment->shrank}) {
        for (const analyze::HolderChange& change : *changes) a += change.a.bytes, b += change.b.bytes;
      }
      const Metric allocated = moment == &diff.end ? Metric::kNowAllocated : Metric::kPeakAllocated;
      ASSERT_EQ(a.value(), at(diff.a.metrics, allocated)) << "seed " << seed;
      ASSERT_EQ(b.value(), at(diff.b.metrics, allocated)) << "seed " << seed;
    }
  }
}

/// A line of markdown without its code spans, of which each begins and ends with one backtick.
std::string outside_code(const std::string& line) {
  std::string outside;
  bool inside = false;
  for (const char c : line) {
    if (c == '`') inside = !inside;
    if (!inside && c != '`') outside += c;
  }
  EXPECT_FALSE(inside) << line;
  return outside;
}

TEST(DiffMarkdown, LetsNoNameOutOfItsCodeSpan) {
  for (uint32_t seed = 1; seed <= 1000; ++seed) {
    RandomDiff random(seed);
    const Diff diff = random.make();
    const std::string text = diff_markdown(diff, random.gates(diff), 8);
    for (const std::string& line : lines_of(text)) {
      const std::string outside = outside_code(line);
      ASSERT_EQ(escape_text(line), line) << "seed " << seed;
      ASSERT_EQ(outside.find_first_of("@["), std::string::npos) << "seed " << seed << ": " << line;
      ASSERT_EQ(outside.find("://"), std::string::npos) << "seed " << seed << ": " << line;
      const bool summary = outside.starts_with("<details><summary>") || outside == "</details>";
      ASSERT_TRUE(summary || outside.find('<') == std::string::npos) << "seed " << seed << ": " << line;
      if (!line.starts_with('|')) continue;
      const auto bars = std::ranges::count(line, '|');
      ASSERT_TRUE(bars == 5 || bars == 6) << "seed " << seed << ": " << line;
    }
  }
}

TEST(DiffJson, IsOneLineOfTextThatCanBePrinted) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    RandomDiff random(seed);
    const Diff diff = random.make();
    const std::string text = diff_json(diff, random.gates(diff), {});
    ASSERT_EQ(text.find('\n'), std::string::npos);
    ASSERT_EQ(escape_text(text), text) << "seed " << seed;
  }
}

TEST(DiffWords, ShowChangesWithTheirSign) {
  EXPECT_EQ(signed_amount(1536, true), "+1.50 KiB");
  EXPECT_EQ(signed_amount(-1536, true), "-1.50 KiB");
  EXPECT_EQ(signed_amount(0, true), "0 B");
  EXPECT_EQ(signed_amount(-1234, false), "-1,234");
  EXPECT_EQ(signed_percent(5, 200), "+2.5 %");
  EXPECT_EQ(signed_percent(-5, 200), "-2.5 %");
  EXPECT_EQ(signed_percent(5, 0), "");
  EXPECT_EQ(signed_percent(5500, 10), "+55000 %");
  EXPECT_EQ(signed_percent(5'000'000, 1), "> 99999 %");
}

TEST(DiffHtml, IsWellFormedAndHasNoScriptWhateverTheTexts) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    RandomDiff random(seed);
    const Diff diff = random.make();
    const XmlForTests xml(diff_html(diff, random.gates(diff)));
    ASSERT_EQ(xml.problem, "") << "seed " << seed;
    ASSERT_EQ(xml.count("script"), 0U) << "seed " << seed;
    ASSERT_NE(xml.text.find("now_reserved"), std::string::npos);
  }
}

}  // namespace
}  // namespace unfrag::report
