#include "report/wrap.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace unfrag::report {
namespace {

TEST(Lines, WrapsWordsAndCutsThoseThatAreLongerThanALine) {
  Lines lines({.width = 20});
  lines.paragraph("- one two three four five", 2, 4);
  lines.paragraph(std::string(30, 'x'));
  EXPECT_EQ(std::move(lines).take(), "  - one two three\n    four five\n…" + std::string(17, 'x') + "\n");
}

TEST(Lines, PutsANoteBelowWhereItDoesNotFitBeside) {
  Lines wide({.width = 80});
  wide.row("free", "9.06 GiB", "as the driver says");
  EXPECT_EQ(std::move(wide).take(), "  free                         9.06 GiB  as the driver says\n");
  Lines narrow({.width = 60});
  narrow.row("free", "9.06 GiB", "as the driver says so");
  EXPECT_EQ(std::move(narrow).take(), "  free                         9.06 GiB\n      as the driver says so\n");
}

TEST(Lines, ColoursOnlyWhenAsked) {
  Lines lines({.color = true});
  lines.heading("Title");
  EXPECT_EQ(std::move(lines).take(), "\n\x1b[1mTitle\x1b[0m\n");
}

}  // namespace
}  // namespace unfrag::report
