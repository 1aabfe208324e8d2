#include "report/page.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace unfrag::report {
namespace {

TEST(Page, WrapsWordsAndCutsThoseThatAreLongerThanALine) {
  Page lines(60, true, false);
  lines.paragraph("- one two three four five six seven eight nine ten eleven twelve", 2, 4);
  lines.paragraph(std::string(70, 'x'));
  EXPECT_EQ(std::move(lines).take(),
            fmt::format("  - one two three four five six seven eight nine ten eleven\n    twelve\n…{}\n",
                        std::string(57, 'x')));
}

TEST(Page, PutsANoteBelowWhereItDoesNotFitBeside) {
  Page wide(80, true, false);
  wide.row("free", "9.06 GiB", "as the driver says");
  EXPECT_EQ(std::move(wide).take(), "  free                         9.06 GiB  as the driver says\n");
  Page narrow(60, true, false);
  narrow.row("free", "9.06 GiB", "as the driver says so");
  EXPECT_EQ(std::move(narrow).take(), "  free                         9.06 GiB\n      as the driver says so\n");
}

TEST(Page, ColoursOnlyWhenAsked) {
  Page lines(80, true, true);
  lines.heading("Title");
  EXPECT_EQ(std::move(lines).take(), "\n\x1b[1mTitle\x1b[0m\n");
}

}  // namespace
}  // namespace unfrag::report
