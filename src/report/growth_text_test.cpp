#include "report/growth_text.h"

#include <gtest/gtest.h>

#include <memory>

#include "trace/builder.h"

namespace unfrag::report {
namespace {

class GrowthText : public testing::Test {
 protected:
  void suspect(std::string_view function, std::string_view file, uint32_t line, uint64_t last) {
    const trace::FrameIdx frame = builder_.intern(
        trace::Frame{.name = builder_.intern(function), .filename = builder_.intern(file), .line = line});
    growth().suspects.push_back({.stack = builder_.intern(std::span(&frame, 1)),
                                 .first = 512_B,
                                 .last = Bytes(last),
                                 .first_blocks = 1,
                                 .last_blocks = 49,
                                 .bytes_per_iteration = 511.6,
                                 .confidence = 0.99996,
                                 .iterations = 49});
    growth().rise += growth().suspects.back().rise();
  }
  analyze::Growth& growth() { return findings_.growth; }

  std::string text(size_t top = 10) {
    analyze::Explanation explanation;
    explanation.trace = std::make_unique<trace::Trace>(std::move(builder_.trace));
    explanation.user_code = std::make_unique<analyze::UserCode>(*explanation.trace);
    Page page(200, /*unicode=*/true, /*color=*/false);
    write_growth(page, Names(explanation), findings_, top);
    return std::move(page).take();
  }

  trace::Builder builder_;
  analyze::DeviceFindings findings_;
};

TEST_F(GrowthText, NamesLinesAndFigures) {
  growth().iterations = {.source = analyze::Iterations::kAnnotations, .name = "ProfilerStep"};
  suspect("train", "/home/user/train.py", 38, 25088);
  EXPECT_EQ(
      text(),
      "\nWhat grows, at the quietest point of 49 iterations (ProfilerStep)\n"
      "  /home/user/train.py:38 train: 24.00 KiB more, 512 B an iteration, in 49 blocks instead of 1; 99.9 % sure\n");
}

TEST_F(GrowthText, SaysNothingWhereNothingGrows) {
  growth().iterations = {.source = analyze::Iterations::kOptimizer, .name = "train.py:1"};
  EXPECT_EQ(text(), "");
}

TEST_F(GrowthText, SumsWhatItLeavesOut) {
  suspect("a", "a.py", 1, 512 + 4096);
  suspect("b", "b.py", 2, 512 + 2048);
  suspect("c", "c.py", 3, 512 + 1024);
  EXPECT_TRUE(text(1).ends_with("sure\n  2 more lines, 3.00 KiB\n"));
}

TEST_F(GrowthText, LetsNothingOfTheFileThroughUnescaped) {
  growth().iterations = {.source = analyze::Iterations::kAnnotations, .name = "step\x1b[2J\n"};
  suspect("f\r", "\x1b]0;x\a.py", 1, 1024);
  const std::string said = text();
  EXPECT_EQ(std::ranges::count(said, '\n'), 3);
  for (const char c : said) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20U);
}

}  // namespace
}  // namespace unfrag::report
